return await OrleansLake.Silo.CommandLine.RunAsync(args);
