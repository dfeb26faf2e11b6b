using System.Text.Json.Nodes;
using OrleansLake.Ingest;

namespace OrleansLake.Testing.Processes;

/// <summary>What a test's silo is told: one pipeline into one table of a local warehouse.</summary>
public sealed record SiloSetup
{
    /// <summary>Directory of the tables, of the configuration and of the logs.</summary>
    public required string Warehouse { get; init; }

    /// <summary>The broker.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>The topics.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>Its CREATE TABLE statement.</summary>
    public required string Ddl { get; init; }

    /// <summary>How often the pipeline flushes.</summary>
    public string FlushInterval { get; init; } = "500ms";

    /// <summary>The pipeline's name.</summary>
    public string Pipeline { get; init; } = "events";

    /// <summary>The section <c>catalog</c>; null: a local one.</summary>
    public JsonObject? Catalog { get; init; }

    /// <summary>The section <c>s3</c>.</summary>
    public JsonObject? S3 { get; init; }

    /// <summary>The section <c>kafkaSecret</c> of the pipeline.</summary>
    public JsonObject? KafkaSecret { get; init; }

    /// <summary>The section <c>maintenance</c>.</summary>
    public JsonObject? Maintenance { get; init; }

    /// <summary>Further settings of the section <c>kafka</c>.</summary>
    public IReadOnlyDictionary<string, string>? Kafka { get; init; }

    /// <summary>The setting <c>memoryBudget</c>; null: as it is unless said.</summary>
    public string? MemoryBudget { get; init; }

    /// <summary>The section <c>records</c> of the pipeline.</summary>
    public JsonObject? Records { get; init; }

    /// <summary>Pipelines beside it, of the same broker, each with all that it says of itself.</summary>
    public IReadOnlyList<JsonObject> Beside { get; init; } = [];

    /// <summary>Further variables of the process.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Further settings of the section <c>orleans</c>.</summary>
    public JsonObject? Orleans { get; init; }

    /// <summary>The silo's assembly; null: the one that was built beside this.</summary>
    public string? Assembly { get; init; }

    /// <summary>Silos of one id that share a warehouse are one cluster; null: each silo is one of its own.</summary>
    public string? ClusterId { get; init; }
}

/// <summary>A silo in a process of its own, from a configuration file, as <c>./lake run</c> starts it.</summary>
public sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http;
    private readonly SiloSetup _setup;

    private SiloProcess(LakeProcess process, Uri url, int siloPort, int gatewayPort, SiloSetup setup, string log)
    {
        Process = process;
        Url = url;
        SiloPort = siloPort;
        GatewayPort = gatewayPort;
        _setup = setup;
        Log = log;
        _http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>The process.</summary>
    public LakeProcess Process { get; }

    /// <summary>Its HTTP API.</summary>
    public Uri Url { get; }

    /// <summary>Where other silos reach it: part of its name in a status.</summary>
    public int SiloPort { get; }

    /// <summary>Where clients of Orleans reach it.</summary>
    public int GatewayPort { get; }

    /// <summary>Where it writes its log.</summary>
    public string Log { get; }

    /// <summary>Starts one; several may run on one warehouse, each with ports and logs of its own.</summary>
    /// <param name="setup">What it is told.</param>
    /// <param name="name">The silo's name for its files; the cluster's too, unless the setup has one.</param>
    /// <param name="logs">Where its configuration and log go; null: into the warehouse.</param>
    public static SiloProcess Start(SiloSetup setup, string name = "silo", string? logs = null)
    {
        logs ??= setup.Warehouse;
        int[] ports = FreePorts.Take(3);
        var url = new Uri($"http://127.0.0.1:{ports[0]}");
        string log = Path.Combine(logs, name + ".log");
        var config = new JsonObject
        {
            ["warehouse"] = setup.Warehouse,
            ["http"] = new JsonObject { ["url"] = url.ToString() },
            ["orleans"] = new JsonObject
            {
                ["clustering"] = setup.ClusterId is null ? "localhost" : "warehouse",
                ["clusterId"] = setup.ClusterId ?? name,
                ["probeInterval"] = "1s",
                ["siloPort"] = ports[1],
                ["gatewayPort"] = ports[2],
            },
            ["catalog"] = setup.Catalog?.DeepClone() ?? new JsonObject(),
            ["s3"] = setup.S3?.DeepClone() ?? new JsonObject(),
            ["logs"] = new JsonObject { ["file"] = log },
            ["maintenance"] = setup.Maintenance?.DeepClone() ?? new JsonObject(),
            ["pipelines"] = new JsonArray(new JsonObject
            {
                ["name"] = setup.Pipeline,
                ["topics"] = new JsonArray([.. setup.Topics.Select(topic => JsonValue.Create(topic))]),
                ["table"] = setup.Table,
                ["ddl"] = setup.Ddl,
                ["createTable"] = true,
                ["flushInterval"] = setup.FlushInterval,
                ["kafka"] = new JsonObject([new("bootstrap.servers", setup.BootstrapServers), .. (setup.Kafka ?? new Dictionary<string, string>()).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))]),
                ["kafkaSecret"] = setup.KafkaSecret?.DeepClone() ?? new JsonObject(),
                ["records"] = setup.Records?.DeepClone() ?? new JsonObject(),
            }),
        };
        if (setup.MemoryBudget is not null)
        {
            config["memoryBudget"] = setup.MemoryBudget;
        }

        foreach (JsonObject beside in setup.Beside)
        {
            JsonNode pipeline = beside.DeepClone();
            pipeline["kafka"] = new JsonObject { ["bootstrap.servers"] = setup.BootstrapServers };
            config["pipelines"]!.AsArray().Add(pipeline);
        }

        foreach ((string key, JsonNode? value) in setup.Orleans ?? [])
        {
            config["orleans"]![key] = value?.DeepClone();
        }

        string path = Path.Combine(logs, name + ".json");
        File.WriteAllText(path, config.ToJsonString());
        var process = new LakeProcess("dotnet", ["exec", setup.Assembly ?? Repository.Assembly("silo", "OrleansLake.Silo"), "run", "--config", path], setup.Environment);
        return new SiloProcess(process, url, ports[1], ports[2], setup, log);
    }

    /// <summary>The status of its pipeline, or of one beside it, as the silo's HTTP API gives it; null while it does not answer.</summary>
    public async Task<JsonNode?> StatusAsync(CancellationToken cancellationToken, string? pipeline = null)
    {
        try
        {
            using HttpResponseMessage response = await _http.GetAsync($"/pipelines/{pipeline ?? _setup.Pipeline}", cancellationToken);
            return response.IsSuccessStatusCode ? JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) : null;
        }
        catch (HttpRequestException)
        {
            return null; // not up yet, or gone: the caller looks at the process
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null; // frozen
        }
    }

    /// <summary>Any other call of the HTTP API.</summary>
    public async Task<JsonNode?> PostAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _http.PostAsync(path, null, cancellationToken);
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        response.EnsureSuccessStatusCode();
        return text.Length == 0 ? null : JsonNode.Parse(text);
    }

    /// <summary>A page of the HTTP API as text.</summary>
    public Task<string> GetAsync(string path, CancellationToken cancellationToken) => _http.GetStringAsync(path, cancellationToken);

    /// <summary>Waits until the status is as wanted, and gives it.</summary>
    /// <exception cref="TimeoutException">It never was; the message has the last status and the log.</exception>
    public async Task<JsonNode> WaitAsync(string what, Func<JsonNode, bool> wanted, TimeSpan limit, string? pipeline = null)
    {
        using var source = new CancellationTokenSource(limit);
        using var timer = new PeriodicTimer(LookPeriod);
        JsonNode? last = null;
        try
        {
            do
            {
                if (Process.HasExited)
                {
                    throw new InvalidOperationException($"waiting for {what}: the silo ended: {Process.Output}{Process.Errors}");
                }

                last = await StatusAsync(source.Token, pipeline) ?? last;
                if (last is not null && wanted(last))
                {
                    return last;
                }
            }
            while (await timer.WaitForNextTickAsync(source.Token));
        }
        catch (OperationCanceledException)
        {
            // said below
        }

        throw new TimeoutException($"waiting for {what}: not within {limit}; status {last?.ToJsonString()}; log {ReadLog()}");
    }

    /// <summary>The end of its log.</summary>
    public string ReadLog()
    {
        if (!File.Exists(Log))
        {
            return "";
        }

        using var stream = new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        string text = reader.ReadToEnd();
        return text[Math.Max(0, text.Length - 8_000)..];
    }

    /// <summary>Offsets by the table out of a status.</summary>
    public static IEnumerable<(TopicPartition TopicPartition, long Next)> CommittedOf(JsonNode status)
    {
        foreach (JsonNode? partition in status["topicPartitions"]!.AsArray())
        {
            if (partition!["committed"] is { } next)
            {
                yield return (new TopicPartition(partition["topic"]!.GetValue<string>(), partition["partition"]!.GetValue<int>()), next.GetValue<long>());
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync(); // first: who follows it looks whether it has ended
        _http.Dispose();
    }
}
