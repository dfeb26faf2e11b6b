using System.Diagnostics;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Puffin;

namespace OrleansLake.Testing.Iceberg;

/// <summary>What a reader did that it must not.</summary>
public sealed class FuzzException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Damages real files, and reads them: each is read, or refused by an <see cref="IcebergFormatException"/> that names it, in
/// bounded time and memory; and what is read as metadata can be written and read again.
/// </summary>
public sealed class FormatFuzz
{
    private const string Location = "memory://fuzz/file";

    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);
    private readonly List<Seed> _seeds = [];

    /// <summary>How many inputs there are to damage.</summary>
    public int SeedCount => _seeds.Count;

    /// <summary>Inputs that were read, and such that were refused.</summary>
    public (long Read, long Refused) Ends { get; private set; }

    private sealed record Seed(string Kind, string Name, byte[] Bytes, ManifestFile? Manifest, TableMetadata? Metadata);

    /// <summary>Takes every file below a directory that is metadata, a manifest list or a Puffin file by its name.</summary>
    public void AddDirectory(string directory)
    {
        foreach (string path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            string? kind = name.EndsWith(".json", StringComparison.Ordinal) ? "metadata"
                : name.EndsWith(".avro", StringComparison.Ordinal) ? (name.StartsWith("snap-", StringComparison.Ordinal) || name.Contains("manifest-list") ? "list" : "manifest")
                : name.EndsWith(".bin", StringComparison.Ordinal) || name.EndsWith(".puffin", StringComparison.Ordinal) ? "puffin"
                : null;
            if (kind is not (null or "manifest"))
            {
                _seeds.Add(new Seed(kind, path, File.ReadAllBytes(path), null, null));
            }
        }
    }

    /// <summary>Takes files that other writers made: a folder of metadata, and one of tables.</summary>
    public async Task AddOthersAsync(string metadata, string tables)
    {
        AddDirectory(metadata);
        foreach (string directory in Directory.EnumerateDirectories(tables, "metadata", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (await LocalTable.OpenAsync(Path.GetDirectoryName(directory)!, default) is { } table)
            {
                await AddTableAsync(table);
            }
        }
    }

    /// <summary>Takes tables that this library writes: both versions, every codec.</summary>
    public async Task AddOurOwnAsync()
    {
        var ids = new IdSource(TimeProvider.System, new Random(1));
        var identifier = new TableIdentifier(["db"], "events");
        for (int version = 2; version <= 3; version++)
        {
            foreach (string codec in (string[])["uncompressed", "gzip", "zstd"])
            {
                var catalog = new InMemoryCatalog(new InMemoryObjectStore(), TimeProvider.System, ids);
                var creation = new TableCreation
                {
                    FormatVersion = version,
                    Schema = new Schema
                    {
                        SchemaId = 0,
                        Fields =
                        [
                            new NestedField(1, "id", true, new LongType()), new NestedField(2, "ts", false, new TimestampType(true)), new NestedField(3, "name", false, new StringType()),
                            new NestedField(4, "tags", false, new ListType(5, new MapType(6, new StringType(), 7, new DecimalType(9, 2), false), false)),
                        ],
                    },
                    PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "ts_day", [2], new Transform.Day()), new PartitionField(1001, "name_b", [3], new Transform.Bucket(4))] },
                    SortOrder = new SortOrder { OrderId = 1, Fields = [new SortField([1], new Transform.Identity(), false, true)] },
                    Properties = new Dictionary<string, string> { ["write.avro.compression-codec"] = codec },
                };
                var table = await catalog.CreateTableAsync(identifier, creation, default);
                for (int i = 0; i < 3; i++)
                {
                    var append = new AppendFiles(SnapshotRef.Main, ids, TimeProvider.System);
                    append.Add(new DataFile
                    {
                        FilePath = $"memory://f{i}", SpecId = 0, Partition = new PartitionKey([19000 + i, i == 0 ? null : i]), RecordCount = 10 + i, FileSizeBytes = 1000,
                        ColumnSizes = new Dictionary<int, long> { [1] = 80, [3] = 20 }, ValueCounts = new Dictionary<int, long> { [1] = 10 }, NullValueCounts = new Dictionary<int, long> { [3] = 1 },
                        LowerBounds = new Dictionary<int, byte[]> { [1] = new byte[8], [3] = [97] }, UpperBounds = new Dictionary<int, byte[]> { [1] = [9, 0, 0, 0, 0, 0, 0, 0] },
                        SplitOffsets = [4], SortOrderId = 1,
                    });
                    var staged = await append.StageAsync(table, new SnapshotExtras(), default);
                    table = ((CommitResult.Committed)await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default)).Table;
                    AddCommit(staged.Requirements, staged.Updates);
                }

                await AddTableAsync(table);
            }
        }
    }

    /// <summary>Takes a table's metadata, manifest lists and manifests.</summary>
    public async Task AddTableAsync(LoadedTable table)
    {
        _seeds.Add(new Seed("metadata", table.MetadataLocation, TableMetadataJson.Write(table.Metadata), null, null));
        foreach (string list in table.Metadata.Snapshots.Select(snapshot => snapshot.ManifestList).OfType<string>())
        {
            byte[] bytes = (await table.Store.ReadAsync(list, default)).ToArray();
            _seeds.Add(new Seed("list", list, bytes, null, null));
            foreach (var manifest in (await ManifestList.ReadAsync(table.Store, list, default)).Manifests)
            {
                _seeds.Add(new Seed("manifest", manifest.ManifestPath, (await table.Store.ReadAsync(manifest.ManifestPath, default)).ToArray(), manifest, table.Metadata));
            }
        }
    }

    /// <summary>Takes the body of a commit.</summary>
    public void AddCommit(IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            TableCommitJson.Write(json, new TableIdentifier(["db"], "events"), requirements, updates);
        }

        _seeds.Add(new Seed("commit", "commit", buffer.ToArray(), null, null));
    }

    /// <summary>One damaged input, the same for the same number.</summary>
    /// <exception cref="FuzzException">The reader did what it must not.</exception>
    public async Task RunAsync(int number)
    {
        var random = new Random(number);
        var seed = _seeds[random.Next(_seeds.Count)];
        byte[] bytes = FormatDamage.Apply(seed.Bytes, random, () => _seeds[random.Next(_seeds.Count)].Bytes);
        long most = (64L << 20) + (500L * bytes.Length);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        try
        {
            await ReadAsync(seed, bytes);
            Ends = (Ends.Read + 1, Ends.Refused);
        }
        catch (IcebergFormatException e)
        {
            Ends = (Ends.Read, Ends.Refused + 1);
            if (e.File != Location || e.Message.Length > 2000)
            {
                throw new FuzzException($"{Told()}: expected a short message that names the file, got {e.Message[..Math.Min(200, e.Message.Length)]}", e);
            }
        }
        catch (Exception e)
        {
            throw new FuzzException($"{Told()}: {e.GetType().Name}: {e.Message}", e);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (allocated > most || watch.Elapsed > MostTime)
        {
            throw new FuzzException($"{Told()}: took {watch.Elapsed.TotalSeconds:0.0} s and {allocated} bytes");
        }

        string Told() => $"number {number}, {seed.Kind} {seed.Name}";
    }

    private static async Task ReadAsync(Seed seed, byte[] bytes)
    {
        var store = new InMemoryObjectStore();
        await store.TryCreateAsync(Location, bytes, default);
        switch (seed.Kind)
        {
            case "metadata":
                var metadata = await MetadataFile.ReadAsync(store, Location, default);
                _ = (metadata.CurrentSchema, metadata.DefaultSpec, metadata.FindRef(SnapshotRef.Main));
                byte[] written = TableMetadataJson.Write(metadata);
                byte[] again = TableMetadataJson.Write(TableMetadataJson.Read(written, Location));
                if (!written.AsSpan().SequenceEqual(again))
                {
                    throw new FuzzException("what was read, written and read again is not the same");
                }

                break;
            case "list":
                _ = (await ManifestList.ReadAsync(store, Location, default)).Manifests.Count;
                break;
            case "manifest":
                await foreach (var _ in ManifestReader.ReadAsync(store, seed.Manifest! with { ManifestPath = Location }, seed.Metadata!, default))
                {
                }

                break;
            case "puffin":
                var puffin = await PuffinReader.OpenAsync(store, Location, default);
                foreach (var blob in puffin.Blobs)
                {
                    await puffin.ReadBlobAsync(blob, default);
                }

                break;
            default:
                using (var document = Parse(bytes))
                {
                    if (document is not null)
                    {
                        TableCommitJson.Read(document.RootElement, Location);
                    }
                }

                break;
        }
    }

    private static JsonDocument? Parse(byte[] bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes);
        }
        catch (JsonException)
        {
            return null; // whoever reads a body parses it first
        }
    }
}

/// <summary>Ways to damage a file: some blind, some that know numbers of Avro and tokens of JSON.</summary>
internal static class FormatDamage
{
    private static readonly string[] Tokens =
    [
        "null", "true", "-1", "0", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "1e999", "0.5", "\"\"", "\"\\ud800\"", "[]", "{}", "[[]]", "[null]", "{\"\":{}}",
        "\"decimal(0,0)\"", "\"decimal(99,-1)\"", "\"fixed[2147483647]\"", "\"bucket[0]\"", "\"truncate[-1]\"", "\"list\"", "\"struct\"", "\"void\"", "\"int\"", "\"geometry(\"", "1", "2", "3", "1000",
    ];

    private static readonly byte[][] Numbers =
    [
        [0], [1], [2], [0x7F], [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0xFE, 0xFF, 0xFF, 0xFF, 0x0F],
        [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [0xFE, 0xFF, 0x7F],
    ];

    public static byte[] Apply(byte[] original, Random random, Func<byte[]> other)
    {
        byte[] bytes = original;
        int times = 1 + (int)Math.Pow(random.NextDouble() * 2.2, 2);
        for (int i = 0; i < times && bytes.Length > 0; i++)
        {
            bytes = Once(bytes, random, other);
        }

        return bytes;
    }

    private static byte[] Once(byte[] bytes, Random random, Func<byte[]> other)
    {
        bool isText = bytes[0] is (byte)'{' or (byte)'[';
        int at = random.Next(bytes.Length);
        int length = Math.Min(bytes.Length - at, 1 + random.Next(random.Next(4) == 0 ? 4000 : 8));
        switch (random.Next(isText ? 11 : 8))
        {
            case 0:
                byte[] flipped = [.. bytes];
                flipped[at] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 1:
                byte[] overwritten = [.. bytes];
                random.NextBytes(overwritten.AsSpan(at, length));
                return overwritten;
            case 2:
                return bytes[..at];
            case 3:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 4:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 5:
                byte[] donor = other();
                int from = random.Next(donor.Length);
                return [.. bytes[..at], .. donor[from..Math.Min(donor.Length, from + 1 + random.Next(2000))], .. bytes[(at + length)..]];
            case 6 or 7 when !isText:
                return [.. bytes[..at], .. Numbers[random.Next(Numbers.Length)], .. bytes[Math.Min(bytes.Length, at + random.Next(3))..]];
            case 8:
                string open = random.Next(2) == 0 ? "[" : "{\"type\":";
                return [.. bytes[..at], .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(open, random.Next(2000)))), .. bytes[at..]];
            default:
                return Replace(bytes, at, Tokens[random.Next(Tokens.Length)]);
        }
    }

    // The value behind the next colon goes, for another.
    private static byte[] Replace(byte[] bytes, int at, string token)
    {
        int colon = Array.IndexOf(bytes, (byte)':', at);
        if (colon < 0)
        {
            return bytes[..at];
        }

        int start = colon + 1;
        while (start < bytes.Length && bytes[start] is (byte)' ' or (byte)'\n')
        {
            start++;
        }

        int end = start;
        int depth = 0;
        bool isQuoted = false;
        for (; end < bytes.Length; end++)
        {
            byte one = bytes[end];
            if (isQuoted)
            {
                isQuoted = one != '"';
            }
            else if (one == '"')
            {
                isQuoted = true;
            }
            else if (one is (byte)'{' or (byte)'[')
            {
                depth++;
            }
            else if (one is (byte)'}' or (byte)']' or (byte)',' && depth-- <= 0)
            {
                break;
            }
            else if (one == ',')
            {
                depth++;
            }
        }

        return [.. bytes[..start], .. Encoding.UTF8.GetBytes(token), .. bytes[end..]];
    }
}
