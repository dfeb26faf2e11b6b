using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Random tables, changed at random: schema, partitions, every kind of delete. A scan gives what a list of rows in memory says.</summary>
public sealed class ScanModelTests
{
    private int _nextId = 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_scan_gives_what_the_model_says(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 6; round++)
        {
            _nextId = 10;
            bool vectors = random.Next(2) == 0;
            PartitionSpec[] specs =
            [
                new() { SpecId = 0, Fields = random.Next(2) == 0 ? [] : [new PartitionField(1000, "k", [1], new Transform.Truncate(5))] },
                new() { SpecId = 1, Fields = [new PartitionField(1001, "b", [1], new Transform.Bucket(2))] },
                new() { SpecId = 2, Fields = [] },
            ];
            var table = new ScanTable(vectors ? 3 : 2, new Schema { SchemaId = 0, Fields = [Required(1, "k", new IntegerType()), Optional(2, "s", new StringType()), Optional(3, "n", new IntegerType())] }, specs[0]);
            table.Metadata = table.Metadata with { PartitionSpecs = specs };
            var files = new List<ModelFile>();
            for (int step = 0; step < 12; step++)
            {
                long sequence = table.Metadata.LastSequenceNumber + 1;
                switch (random.Next(6))
                {
                    case 0:
                        Evolve(random, table);
                        break;
                    case 1 or 2 or 3:
                        var added = new List<DataFile>();
                        int specId = random.Next(2);
                        foreach (var group in Enumerable.Range(0, random.Next(1, 30)).Select(_ => RandomRow(random, table.Schema)).GroupBy(row => KeyOf(specs[specId], row)).ToList())
                        {
                            var file = await table.WriteAsync(group, group.Key, specId);
                            files.Add(new ModelFile(file, sequence, [.. table.Schema.Fields], [.. group]));
                            added.Add(file);
                        }

                        await table.CommitAsync(added);
                        break;
                    case 4 when files.Count > 0:
                        await DeletePositionsAsync(random, table, files, vectors);
                        break;
                    case 5 when files.Count > 0:
                        await DeleteKeysAsync(random, table, files, sequence);
                        break;
                }
            }

            var expected = files.SelectMany(file => file.Live(table.Schema)).ToList();
            Assert.Equal(Json(table.Schema, expected).Order(StringComparer.Ordinal), (await table.RowsAsync()).Order(StringComparer.Ordinal));
            for (int i = 0; i < 5; i++)
            {
                var where = RandomCondition(random);
                var bound = where.Bind(table.Schema);
                var matching = expected.Where(row => bound.Matches(id => row[table.Schema.Fields.ToList().FindIndex(field => field.Id == id)])).ToList();
                Assert.Equal(Json(table.Schema, matching).Order(StringComparer.Ordinal), (await table.RowsAsync(new ScanOptions { Where = where, BatchRows = random.Next(1, 9) })).Order(StringComparer.Ordinal));
            }
        }
    }

    private static async Task DeletePositionsAsync(Random random, ScanTable table, List<ModelFile> files, bool vectors)
    {
        var chosen = files[random.Next(files.Count)];
        var siblings = vectors ? [chosen] : files.Where(file => file.File.SpecId == chosen.File.SpecId && file.File.Partition.Equals(chosen.File.Partition)).ToList();
        var byPath = new Dictionary<string, PositionSet>();
        foreach (var file in siblings)
        {
            var positions = new PositionSet();
            for (int i = random.Next(0, 4); i > 0; i--)
            {
                int position = random.Next(file.Rows.Count);
                positions.Add(position);
                file.Gone.Add(position);
            }

            byPath[file.File.FilePath] = positions;
        }

        if (!vectors)
        {
            await table.CommitAsync([await table.WritePositionsAsync(chosen.File.SpecId, chosen.File.Partition, byPath)]);
            return;
        }

        // A vector holds all that went before it, and takes the older one's place.
        foreach (int gone in chosen.Vectored)
        {
            byPath[chosen.File.FilePath].Add(gone);
        }

        chosen.Vectored.UnionWith(byPath[chosen.File.FilePath].Positions().Select(position => (int)position));
        if (byPath[chosen.File.FilePath].Count > 0)
        {
            var vector = await table.WriteVectorAsync(chosen.File, byPath[chosen.File.FilePath]);
            await table.CommitAsync([vector], removed: chosen.Vector is null ? null : [chosen.Vector]);
            chosen.Vector = vector;
        }
    }

    private static async Task DeleteKeysAsync(Random random, ScanTable table, List<ModelFile> files, long sequence)
    {
        var fields = table.Schema.Fields.Where(field => field.Type is PrimitiveType and not (FloatType or DoubleType)).OrderBy(_ => random.Next()).Take(random.Next(1, 3)).ToList();
        var keys = Enumerable.Range(0, random.Next(1, 4)).Select(_ => fields.Select(field => RandomValue(random, field)).ToArray()).ToList();
        bool everywhere = random.Next(2) == 0;
        var chosen = files[random.Next(files.Count)].File;
        int specId = everywhere ? 2 : chosen.SpecId;
        var partition = everywhere ? PartitionKey.None : chosen.Partition;
        await table.CommitAsync([await table.WriteKeysAsync(specId, partition, [.. fields.Select(field => field.Id)], keys)]);
        bool global = table.Metadata.PartitionSpecs[specId].Fields.Count == 0;
        foreach (var file in files.Where(file => file.Sequence < sequence && (global || (file.File.SpecId == specId && file.File.Partition.Equals(partition)))))
        {
            for (int position = 0; position < file.Rows.Count; position++)
            {
                object?[] row = file.RowAs(table.Schema, position);
                if (keys.Any(key => fields.Select((field, i) => Equals(row[table.Schema.Fields.ToList().IndexOf(field)], key[i])).All(same => same)))
                {
                    file.Gone.Add(position);
                }
            }
        }
    }

    private void Evolve(Random random, ScanTable table)
    {
        var fields = table.Schema.Fields.ToList();
        int at = random.Next(1, fields.Count + 1);
        switch (random.Next(5))
        {
            case 0:
                int id = _nextId++;
                var added = Optional(id, $"c{id}", random.Next(2) == 0 ? new IntegerType() : new StringType());
                if (table.Metadata.FormatVersion == 3 && random.Next(2) == 0)
                {
                    added = added with { InitialDefault = added.Type is IntegerType ? System.Text.Json.Nodes.JsonValue.Create(3) : System.Text.Json.Nodes.JsonValue.Create("b") };
                }

                fields.Insert(at, added);
                break;
            case 1 when at < fields.Count:
                fields[at] = fields[at] with { Name = $"r{_nextId++}" };
                break;
            case 2 when at < fields.Count && fields[at].Type is IntegerType && fields[at].InitialDefault is null:
                fields[at] = fields[at] with { Type = new LongType() };
                break;
            case 3 when fields.Count > 3:
                fields.RemoveAt(fields.Count - 1);
                break;
            case 4:
                fields.Reverse(1, fields.Count - 1);
                break;
        }

        table.Evolve([.. fields]);
    }

    private static Expression RandomCondition(Random random)
    {
        var k = random.Next(4) switch
        {
            0 => Expression.LessThan("k", random.Next(-12, 12)),
            1 => Expression.Equal("k", random.Next(-12, 12)),
            2 => Expression.NotIn("k", random.Next(-12, 12), random.Next(-12, 12)),
            _ => Expression.GreaterThanOrEqual("k", random.Next(-12, 12)),
        };
        return random.Next(3) == 0 ? !k : k;
    }

    private static object?[] RandomRow(Random random, Schema schema) => [.. schema.Fields.Select(field => RandomValue(random, field))];

    private static object? RandomValue(Random random, NestedField field) => !field.Required && random.Next(4) == 0 ? null : field.Type switch
    {
        IntegerType => random.Next(-12, 12),
        LongType => (long)random.Next(-12, 12),
        _ => ((char)('a' + random.Next(3))).ToString(),
    };

    private static PartitionKey KeyOf(PartitionSpec spec, object?[] row) => new([.. spec.Fields.Select(field => field.Transform.Apply(new IntegerType(), row[0]))]);

    private sealed record ModelFile(DataFile File, long Sequence, List<NestedField> Fields, List<object?[]> Rows)
    {
        public HashSet<int> Gone { get; } = [];

        public HashSet<int> Vectored { get; } = [];

        public DataFile? Vector { get; set; }

        public IEnumerable<object?[]> Live(Schema schema) => Enumerable.Range(0, Rows.Count).Where(position => !Gone.Contains(position)).Select(position => RowAs(schema, position));

        public object?[] RowAs(Schema schema, int position) => [.. schema.Fields.Select(field =>
        {
            int at = Fields.FindIndex(one => one.Id == field.Id);
            object? value = at >= 0 ? Rows[position][at] : SingleValueJson.Read(field.Type, field.InitialDefault);
            return field.Type is LongType && value is int number ? (long)number : value;
        })];
    }
}
