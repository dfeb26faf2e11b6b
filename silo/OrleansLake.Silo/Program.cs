using OrleansLake.Silo;
using OrleansLake.Silo.Demo;
using OrleansLake.Terminal;

// Ctrl-C and SIGTERM are the host's: it drains before it ends, and nobody may cut that short.
return await CommandRunner.RunAsync(args, [RunCommand.Create(), DemoCommand.Create(), ConfigCommand.Create(), BackfillCommand.Create(), HealthCommand.Create()], stopLimit: null);
