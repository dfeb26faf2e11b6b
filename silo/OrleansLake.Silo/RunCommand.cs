using System.CommandLine;
using OrleansLake.Aws;
using OrleansLake.Iceberg;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;

namespace OrleansLake.Silo;

/// <summary>run: a silo for real brokers, until Ctrl-C or SIGTERM.</summary>
internal static class RunCommand
{
    internal static Command Create()
    {
        var config = new Option<string>("--config") { Description = "The configuration file (JSON), or env:NAME for a variable that holds it; ORLEANSLAKE__… variables go over it", Required = true };
        var check = new Option<bool>("--check") { Description = "Only read the configuration and say what is wrong with it" };
        var command = new Command("run", "A silo: pipelines from Kafka into Iceberg tables. Ends on Ctrl-C or SIGTERM, after everything that was read is committed.") { config, check };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            SiloConfig read = SiloConfigReader.ReadFile(parsed.GetRequiredValue(config));
            if (parsed.GetValue(check))
            {
                await Console.Out.WriteLineAsync($"{parsed.GetRequiredValue(config)}: right, {read.Pipelines.Count} pipelines");
                return 0;
            }

            return await RunAsync(await EcsTask.ResolveAsync(read, Environment.GetEnvironmentVariable(EcsTask.EndpointVariable), TimeProvider.System, cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(SiloConfig config)
    {
        await CheckAsync(config);
        await using WebApplication app = SiloHost.Build(config);
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansLake.Silo");
        await app.StartAsync();
        logger.LogUp(config.Pipelines.Count, config.Warehouse, app.HttpAddress());
        await app.WaitForShutdownAsync();
        logger.LogDown();
        return 0;
    }

    // A bucket that cannot be written, or a catalog that does not answer, is told at once too.
    private static async Task CheckAsync(SiloConfig config)
    {
        if (config.Tables is not { } tables || !LakeCatalogOptions.IsS3(tables.Warehouse))
        {
            CheckWarehouse(config.Warehouse);
            return;
        }

        using LakeCatalog lake = LakeCatalog.Open(tables, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        try
        {
            string probe = $"{lake.Warehouse}/.orleanslake/.writable-{Guid.CreateVersion7()}";
            if (await lake.Store.TryCreateAsync(probe, ReadOnlyMemory<byte>.Empty, CancellationToken.None))
            {
                await lake.Store.DeleteAsync([probe], CancellationToken.None);
            }

            await lake.Catalog.ListNamespacesAsync(CancellationToken.None);
        }
        catch (IOException error)
        {
            throw new ConfigException("warehouse", [$"expected a bucket that can be written and a catalog that answers, found: {error.Message}"]);
        }
    }

    /// <summary>A warehouse that cannot be written is told at once, not by every commit.</summary>
    internal static void CheckWarehouse(string warehouse)
    {
        try
        {
            Directory.CreateDirectory(warehouse);
            string probe = Path.Combine(warehouse, $".writable-{Environment.ProcessId}");
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException("warehouse", [$"{warehouse}: expected a directory that can be written, found: {error.Message}"]);
        }
    }
}
