using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// What goes wrong around a silo: nothing is lost, one clear line says what stands in the way, and the pipeline goes on once
/// it is out of the way.
/// </summary>
[Collection(Collections.Waiting)]
public sealed class TroubleTests : IDisposable
{
    private const string Table = "trouble.events";
    private const int TenMegabytes = 10_000_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TestWarehouse _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Bad_records_go_to_the_dead_letters_byte_for_byte_and_good_ones_to_the_table()
    {
        byte[][] bad =
        [
            Encoding.UTF8.GetBytes("{\"id\":1,"),
            Encoding.UTF8.GetBytes("{\"id\":\"one\",\"name\":\"wrong type\"}"),
            Encoding.UTF8.GetBytes("{\"name\":\"no id\"}"),
            Encoding.UTF8.GetBytes("[1]"),
            [.. "{\"id\":1,\"name\":\""u8, 0xC3, 0x28, .. "\"}"u8],
            [],
            Encoding.UTF8.GetBytes("{\"id\":9223372036854775808}"),
            Encoding.UTF8.GetBytes("{\"id\":1.5}"),
            Encoding.UTF8.GetBytes("not json at all"),
        ];
        string large = new('x', TenMegabytes);
        _broker.CreateTopic("events", 2);
        await using SiloProcess silo = SiloProcess.Start(Setup());
        var sent = new List<(int Partition, long Offset)>();
        using (IProducer<byte[]?, byte[]?> producer = Producer())
        {
            for (int i = 0; i < 100; i++)
            {
                await SendAsync(producer, sent, Encoding.UTF8.GetBytes($"{{\"id\":{i},\"name\":\"good\"}}"));
            }

            foreach (byte[] value in bad)
            {
                await SendAsync(producer, sent, value, key: [1, 2, 3], header: [0xFF, 0]);
            }

            await SendAsync(producer, sent, null);
            await SendAsync(producer, sent, Encoding.UTF8.GetBytes($"{{\"id\":100,\"name\":\"{large}\"}}"));
        }

        await WaitForAsync(silo, sent.Count);
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.Equal(AuditVerdict.Proved, audit.Verdict);
        Assert.Equal(101, audit.Rows);

        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        JsonNode rows = Assert.Single(await _warehouse.DuckDbAsync(Table, "SELECT count(DISTINCT id) AS ids, max(length(name)) AS longest FROM FILES"))!;
        Assert.Equal("101", rows["ids"]!.ToString());
        Assert.Equal(TenMegabytes.ToString(System.Globalization.CultureInfo.InvariantCulture), rows["longest"]!.ToString());
        JsonArray letters = await _warehouse.DuckDbAsync(
            Table + "__dead_letters", "SELECT to_base64(value) AS value, to_base64(key) AS key, error_class, message FROM FILES");
        Assert.Equal(bad.Length + 1, letters.Count);
        Assert.Equal(
            bad.Select(Convert.ToBase64String).Append("null").Order(StringComparer.Ordinal),
            letters.Select(letter => letter!["value"]?.ToString() ?? "null").Order(StringComparer.Ordinal));
        Assert.Equal(bad.Length, letters.Count(letter => letter!["key"]?.ToString() == "AQID"));
        Assert.All(letters, letter => Assert.NotEmpty(letter!["message"]!.ToString()));
    }

    [Fact]
    public async Task A_topic_that_does_not_exist_is_named_and_read_once_it_does()
    {
        await using SiloProcess silo = SiloProcess.Start(Setup());
        await WaitForTroubleAsync(silo, "events");
        _broker.CreateTopic("events", 1);
        using IProducer<byte[]?, byte[]?> producer = Producer();
        var sent = new List<(int, long)>();
        await SendAsync(producer, sent, "{\"id\":1}"u8.ToArray());
        await WaitForAsync(silo, 1);
    }

    [Fact]
    public async Task A_broker_that_is_down_at_the_start_and_in_the_middle_loses_nothing()
    {
        _broker.CreateTopic("events", 2);
        var sent = new List<(int, long)>();
        using IProducer<byte[]?, byte[]?> producer = Producer();
        await SendAsync(producer, sent, "{\"id\":1}"u8.ToArray());
        _broker.SetAllDown();
        await using SiloProcess silo = SiloProcess.Start(Setup());
        await WaitForTroubleAsync(silo, "broker");
        _broker.SetAllUp();
        await WaitForAsync(silo, 1);

        _broker.SetAllDown();
        await WaitForTroubleAsync(silo, "broker");
        _broker.SetAllUp();
        for (int i = 2; i <= 50; i++)
        {
            await SendAsync(producer, sent, Encoding.UTF8.GetBytes($"{{\"id\":{i}}}"));
        }

        await WaitForAsync(silo, 50);
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.Equal((AuditVerdict.Proved, 50L), (audit.Verdict, audit.Rows));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_full_or_read_only_disk_holds_the_pipeline_and_loses_nothing(bool full)
    {
        await using SmallDisk? disk = await SmallDisk.MountAsync(_warehouse.Path);
        Assert.SkipWhen(disk is null, "mounting a small disk needs root");
        _broker.CreateTopic("events", 2);
        await using SiloProcess silo = SiloProcess.Start(Setup() with { Warehouse = disk.Path }, logs: _warehouse.Path);
        var sent = new List<(int, long)>();
        using IProducer<byte[]?, byte[]?> producer = Producer();
        await SendAsync(producer, sent, "{\"id\":0}"u8.ToArray());
        await WaitForAsync(silo, 1);

        await disk.CloseAsync(full);
        for (int i = 1; i <= 200; i++)
        {
            await SendAsync(producer, sent, Encoding.UTF8.GetBytes($"{{\"id\":{i},\"name\":\"{new string('n', 2000)}{i}\"}}"));
        }

        await WaitForTroubleAsync(silo, full ? "space" : "ead-only");
        await disk.OpenAsync();
        await WaitForAsync(silo, 201);
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        AuditResult audit = await Audit.RunAsync(await TestWarehouse.LoadAsync(disk.Path, Table));
        Assert.Equal((AuditVerdict.Proved, 201L), (audit.Verdict, audit.Rows));
    }

    [Fact]
    public async Task Corrupt_metadata_are_named_and_the_pipeline_goes_on_once_they_are_mended()
    {
        _broker.CreateTopic("events", 1);
        var sent = new List<(int, long)>();
        using IProducer<byte[]?, byte[]?> producer = Producer();
        await SendAsync(producer, sent, "{\"id\":1}"u8.ToArray());
        await using (SiloProcess first = SiloProcess.Start(Setup(), "first"))
        {
            await WaitForAsync(first, 1);
            Assert.Equal(0, await first.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        }

        string metadata = (await _warehouse.LoadAsync(Table)).MetadataLocation;
        byte[] whole = await File.ReadAllBytesAsync(metadata);
        await File.WriteAllBytesAsync(metadata, whole[..(whole.Length / 2)]);
        await SendAsync(producer, sent, "{\"id\":2}"u8.ToArray());
        await using SiloProcess silo = SiloProcess.Start(Setup(), "second");
        await WaitForTroubleAsync(silo, Path.GetFileName(metadata));
        await File.WriteAllBytesAsync(metadata, whole);
        await WaitForAsync(silo, 2);
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.Equal((AuditVerdict.Proved, 2L), (audit.Verdict, audit.Rows));
    }

    [Fact]
    public async Task A_wrong_ddl_and_a_wrong_configuration_end_the_silo_with_every_error_at_once()
    {
        string path = Path.Combine(_warehouse.Path, "wrong.json");
        await File.WriteAllTextAsync(
            path,
            $$$"""
            {"warehouse": "{{{_warehouse.Path}}}", "colour": "blue", "pipelines": [
              {"name": "a", "topics": ["t"], "table": "x.y", "createTable": true, "ddl": "CREATE TABLE y (a BIGNIT)", "kafka": {"bootstrap.servers": "127.0.0.1:1"}},
              {"name": "b", "topics": [], "table": "nodots", "flushInterval": "soon", "kafka": {}}]}
            """);
        await using var silo = LakeProcess.OfAssembly(Repository.Assembly("silo", "OrleansLake.Silo"), ["run", "--config", path]);
        Assert.Equal(1, await silo.WaitAsync(Patience));
        foreach (string place in new[] { "colour", "BIGNIT", "pipelines[1].table", "pipelines[1].flushInterval", "bootstrap.servers" })
        {
            Assert.Contains(place, silo.Errors, StringComparison.OrdinalIgnoreCase);
        }

        Assert.DoesNotContain("   at ", silo.Errors, StringComparison.Ordinal);
    }

    private static async Task SendAsync(IProducer<byte[]?, byte[]?> producer, List<(int, long)> sent, byte[]? value, byte[]? key = null, byte[]? header = null)
    {
        var message = new Message<byte[]?, byte[]?> { Key = key, Value = value };
        if (header is not null)
        {
            message.Headers = new Headers { { "h", header } };
        }

        DeliveryResult<byte[]?, byte[]?> result = await producer.ProduceAsync("events", message);
        sent.Add((result.Partition.Value, result.Offset.Value));
    }

    private static Task<JsonNode> WaitForAsync(SiloProcess silo, long records) => silo.WaitAsync(
        $"{records} records to be committed", status => SiloProcess.CommittedOf(status).Sum(pair => pair.Next) >= records, Patience);

    private static Task<JsonNode> WaitForTroubleAsync(SiloProcess silo, string word) => silo.WaitAsync(
        $"trouble that says \"{word}\"",
        status => Troubles(status).Any(trouble => trouble.Contains(word, StringComparison.OrdinalIgnoreCase) && !trouble.Contains('\n')),
        Patience);

    private static IEnumerable<string> Troubles(JsonNode status) =>
        status["topicPartitions"]!.AsArray().Select(partition => partition!["trouble"]).Append(status["trouble"]).OfType<JsonNode>().Select(trouble => trouble.GetValue<string>());

    // Compressed, since the embedded broker keeps only 5 MB a partition as stored.
    private IProducer<byte[]?, byte[]?> Producer() =>
        new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = _broker.BootstrapServers, Acks = Acks.All, MessageMaxBytes = 2 * TenMegabytes, CompressionType = CompressionType.Gzip })
            .SetLogHandler((_, _) => { }).Build();

    private SiloSetup Setup() => new()
    {
        Warehouse = _warehouse.Path,
        BootstrapServers = _broker.BootstrapServers,
        Topics = ["events"],
        Table = Table,
        Ddl = $"CREATE TABLE {Table} (id BIGINT NOT NULL, name VARCHAR)",
    };

    /// <summary>A file system of a few megabytes that a test can fill or make read-only.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private string Filler => System.IO.Path.Combine(Path, "filler");

        private SmallDisk(string path) => Path = path;

        public string Path { get; }

        public static async Task<SmallDisk?> MountAsync(string below)
        {
            string path = System.IO.Path.Combine(below, "disk");
            Directory.CreateDirectory(path);
            return await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path) ? new SmallDisk(path) : null;
        }

        public async Task CloseAsync(bool full)
        {
            if (!full)
            {
                Assert.True(await RunAsync("mount", "-o", "remount,ro", Path));
                return;
            }

            await using FileStream filler = File.Create(Filler);
            byte[] block = new byte[4096];
            try
            {
                while (true)
                {
                    filler.Write(block);
                    filler.Flush();
                }
            }
            catch (IOException)
            {
                // full, as wanted
            }
        }

        public async Task OpenAsync()
        {
            Assert.True(await RunAsync("mount", "-o", "remount,rw", Path));
            File.Delete(Filler);
        }

        public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", Path);

        private static async Task<bool> RunAsync(string command, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
    }
}
