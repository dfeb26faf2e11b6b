using OrleansLake.Testing.Processes;

namespace OrleansLake.Testing.Aws;

/// <summary><c>moto_server</c>: many services of AWS in one process, written by others.</summary>
public sealed class MotoServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    private readonly LakeProcess _process;

    private MotoServer(LakeProcess process, Uri address) => (_process, Address) = (process, address);

    /// <summary>Why there is none; null where the command is installed.</summary>
    public static string? Absence => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, "moto_server")))
        ? null
        : "moto_server is not installed (pip install 'moto[server]')";

    public Uri Address { get; }

    /// <summary>Starts one on a free port of this machine.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        var process = new LakeProcess("moto_server", ["-H", "127.0.0.1", "-p", "0"]);
        const string sign = "Running on ";
        using var limit = new CancellationTokenSource(StartLimit);
        while (true)
        {
            // It says so in one of its streams once it listens.
            string said = process.Output + process.Errors;
            int at = said.IndexOf(sign, StringComparison.Ordinal);
            int end = at < 0 ? -1 : said.IndexOf('\n', at);
            if (end > 0)
            {
                return new MotoServer(process, new Uri(said[(at + sign.Length)..end].Trim()));
            }

            if (process.HasExited || limit.IsCancellationRequested)
            {
                await process.DisposeAsync();
                throw new InvalidOperationException($"moto_server did not start: {said}");
            }

            await Task.Delay(50);
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
