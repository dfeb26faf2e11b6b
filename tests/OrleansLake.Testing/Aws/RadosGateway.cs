using System.Net;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Testing.Aws;

/// <summary>
/// Ceph's S3: a monitor, a store in memory and the gateway, which checks signatures. https://docs.ceph.com/en/pacific/radosgw/
/// </summary>
public sealed class RadosGateway : IAsyncDisposable
{
    public const string AccessKey = "AKIALAKERADOS";
    public const string Secret = "s3cr3t+of/rados";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string[] Commands = ["monmaptool", "ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin"];

    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-ceph-").FullName;
    private readonly List<LakeProcess> _servers = [];
    private readonly int[] _ports = FreePorts.Take(2);

    private RadosGateway()
    {
    }

    /// <summary>Why there is none; null where its commands are installed.</summary>
    public static string? Absence { get; } = Commands.FirstOrDefault(command => !(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, command)))) is { } missing
        ? $"{missing} is not installed (Debian: ceph-mon, ceph-osd, radosgw)"
        : null;

    public Uri Address => new($"http://127.0.0.1:{_ports[1]}");

    private string Config => Path.Combine(_directory, "ceph.conf");

    /// <summary>Starts one on free ports of this machine, with one user.</summary>
    public static async Task<RadosGateway> StartAsync()
    {
        var gateway = new RadosGateway();
        try
        {
            await gateway.BeginAsync();
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LakeProcess server in Enumerable.Reverse(_servers))
        {
            await server.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task BeginAsync()
    {
        string cluster = Guid.NewGuid().ToString(), store = Guid.NewGuid().ToString(), map = Path.Combine(_directory, "map");
        await File.WriteAllTextAsync(Config, $"""
            [global]
            fsid = {cluster}
            mon host = v1:127.0.0.1:{_ports[0]}
            mon initial members = a
            mon data = {_directory}/mon
            mon data avail crit = 1
            mon allow pool size one = true
            auth cluster required = none
            auth service required = none
            auth client required = none
            public addr = 127.0.0.1
            osd data = {_directory}/osd
            osd objectstore = memstore
            memstore device bytes = 1073741824
            osd crush chooseleaf type = 0
            osd pool default size = 1
            osd pool default min size = 1
            osd pool default pg num = 1
            osd pool default pgp num = 1
            osd pool default pg autoscale mode = off
            run dir = {_directory}
            admin socket = {_directory}/$name.asok
            log file = {_directory}/$name.log
            [client.lake]
            rgw frontends = beast endpoint=127.0.0.1:{_ports[1]}

            """);
        Directory.CreateDirectory(Path.Combine(_directory, "osd"));
        await RunAsync("monmaptool", "--create", "--addv", "a", $"[v1:127.0.0.1:{_ports[0]}]", "--fsid", cluster, map);
        await RunAsync("ceph-mon", "--mkfs", "-i", "a", "--monmap", map);
        Start("ceph-mon", "-i", "a");
        await RunAsync("ceph", "osd", "new", store); // waits for the monitor
        await RunAsync("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store);
        Start("ceph-osd", "-i", "0");
        Start("radosgw", "-n", "client.lake");
        await RunAsync("radosgw-admin", "user", "create", "--uid=lake", "--display-name=lake", $"--access-key={AccessKey}", $"--secret={Secret}"); // waits for the store
        await UntilItAnswersAsync();
    }

    private void Start(string command, params string[] arguments) => _servers.Add(new LakeProcess(command, ["-c", Config, "-f", .. arguments]));

    private async Task RunAsync(string command, params string[] arguments)
    {
        await using var process = new LakeProcess(command, [.. command == "monmaptool" ? Array.Empty<string>() : ["-c", Config], .. arguments]);
        if (await process.WaitAsync(Limit) != 0)
        {
            throw new InvalidOperationException($"{command} {arguments[0]}: {process.Output}{process.Errors}");
        }
    }

    private async Task UntilItAnswersAsync()
    {
        using var http = new HttpClient();
        using var limit = new CancellationTokenSource(Limit);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            if (_servers.Find(server => server.HasExited) is { } ended)
            {
                throw new InvalidOperationException($"Ceph did not start: {ended.Output}{ended.Errors}");
            }

            try
            {
                using HttpResponseMessage answer = await http.GetAsync(Address, limit.Token);
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // it does not listen yet
            }

            await timer.WaitForNextTickAsync(limit.Token);
        }
    }
}
