using OrleansLake.Cli.Commands;
using OrleansLake.Terminal;

return await CommandRunner.RunAsync(
    args, [KafkaCommand.Create(), PublishCommand.Create(), TableCommand.Create(), PipelineCommand.Create(), MaintainCommand.Create(), DeadLettersCommand.Create()], stopLimit: TimeSpan.FromSeconds(10));
