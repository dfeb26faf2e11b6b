using OrleansLake.Cli;

return await CommandLine.RunAsync(args);
