using OrleansLake.Iceberg;
using static OrleansLake.Ingest.Tests.Read.Foreign.ForeignValues;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read.Foreign;

/// <summary>Tables of every type and feature that both ClickHouse and icebird can have met: what each is about is its name.</summary>
internal static class ForeignTables
{
    private const string ByName = "finds nested columns by name";
    private const string NoFixed = "reads no fixed in Avro, which decimals and uuids are there";

    /// <summary>Tables that ClickHouse 26.7 does not read, and why.</summary>
    public static IReadOnlyDictionary<string, string> ClickHouseFaults { get; } = new Dictionary<string, string>
    {
        ["defaults_v3"] = "shows null in place of a default",
        ["by_truncate_wide"] = "truncates no decimals of more than 18 digits",
    };

    /// <summary>Tables that icebird 0.3 does not read, and why.</summary>
    public static IReadOnlyDictionary<string, string> IcebirdFaults { get; } = new Dictionary<string, string>
    {
        ["nested_renames"] = ByName, ["by_identity_fixed"] = NoFixed, ["by_truncate_fixed"] = NoFixed, ["by_truncate_wide"] = NoFixed,
    };

    /// <summary>How each is made.</summary>
    public static IReadOnlyDictionary<string, Func<string, string, Task<ForeignTable>>> All { get; } = new Dictionary<string, Func<string, string, Task<ForeignTable>>>
    {
        ["types_v2"] = (warehouse, name) => TypesAsync(warehouse, name, 2),
        ["types_v3"] = (warehouse, name) => TypesAsync(warehouse, name, 3),
        ["types_required"] = RequiredAsync,
        ["nested_deep"] = NestedAsync,
        ["by_identity"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Identity(), type => type is not (DecimalType or UuidType or FixedType)),
        ["by_bucket"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Bucket(4)),
        ["by_identity_fixed"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Identity(), type => type is DecimalType or UuidType or FixedType),
        ["by_truncate"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Truncate(3), type => type is not DecimalType),
        ["by_truncate_fixed"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Truncate(3), type => type is DecimalType { Precision: <= 18 }),
        ["by_truncate_wide"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Truncate(3), type => type is DecimalType { Precision: > 18 }),
        ["by_void"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Void()),
        ["by_year"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Year()),
        ["by_month"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Month()),
        ["by_day"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Day()),
        ["by_hour"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Hour()),
        ["by_day_v3"] = (warehouse, name) => PartitionedAsync(warehouse, name, new Transform.Day(), version: 3),
        ["by_nothing"] = (warehouse, name) => PartitionedAsync(warehouse, name, null),
        ["spec_evolution"] = SpecEvolutionAsync,
        ["schema_evolution"] = (warehouse, name) => SchemaEvolutionAsync(warehouse, name, 2),
        ["schema_evolution_v3"] = (warehouse, name) => SchemaEvolutionAsync(warehouse, name, 3),
        ["nested_evolution"] = (warehouse, name) => NestedEvolutionAsync(warehouse, name),
        ["nested_renames"] = (warehouse, name) => NestedEvolutionAsync(warehouse, name, "RENAME COLUMN place.city TO town", "RENAME COLUMN lines.element.sku TO article"),
        ["defaults_v3"] = DefaultsAsync,
        ["position_deletes"] = (warehouse, name) => PositionDeletesAsync(warehouse, name, []),
        ["position_deletes_partitioned"] = (warehouse, name) => PositionDeletesAsync(warehouse, name, [new PartitionField(1000, "b", [1], new Transform.Bucket(3))]),
        ["equality_deletes"] = (warehouse, name) => EqualityDeletesAsync(warehouse, name, []),
        ["equality_deletes_partitioned"] = (warehouse, name) => EqualityDeletesAsync(warehouse, name, [new PartitionField(1000, "b", [1], new Transform.Bucket(3))]),
        ["rewritten"] = RewrittenAsync,
        ["manifests_null"] = (warehouse, name) => ManifestsAsync(warehouse, name, "uncompressed"),
        ["manifests_deflate"] = (warehouse, name) => ManifestsAsync(warehouse, name, "gzip"),
        ["manifests_zstd"] = (warehouse, name) => ManifestsAsync(warehouse, name, "zstd"),
        ["manifests_v3"] = (warehouse, name) => ManifestsAsync(warehouse, name, "gzip", 3),
        ["codec_gzip"] = (warehouse, name) => CodecAsync(warehouse, name, "gzip"),
        ["codec_snappy"] = (warehouse, name) => CodecAsync(warehouse, name, "snappy"),
        ["codec_none"] = (warehouse, name) => CodecAsync(warehouse, name, "uncompressed"),
        ["odd_names"] = OddNamesAsync,
        ["located_by_uri"] = (warehouse, name) => ManifestsAsync("file://" + warehouse, name, "gzip"),
    };

    private static async Task<ForeignTable> TypesAsync(string warehouse, string name, int version)
    {
        int id = 1;
        List<(string Name, IcebergType Type)> types = [.. Primitives, .. version == 3 ? new (string, IcebergType)[] { ("ns", new TimestampNanoType(false)), ("nstz", new TimestampNanoType(true)) } : []];
        var fields = new List<NestedField> { Required(id++, "id", new LongType()) };
        fields.AddRange(types.Select(type => Optional(id++, type.Name, type.Type)));
        // In lists, maps and structs: all but bytes, which engines show as text that is none.
        var nested = types.Where(type => type.Type is not (BinaryType or FixedType)).ToList();
        fields.Add(Optional(id++, "every", new StructType([.. nested.Select(type => Optional(id++, "s_" + type.Name, type.Type))])));
        fields.AddRange(nested.Select(type => Optional(id++, "l_" + type.Name, new ListType(id++, type.Type, false))));
        fields.AddRange(nested.Select(type => Optional(id++, "m_" + type.Name, new MapType(id++, new StringType(), id++, type.Type, false))));
        var table = await ForeignTable.CreateAsync(warehouse, name, version, fields);
        await table.AppendAsync([.. Enumerable.Range(0, 15).Select(Row)]);
        await table.AppendAsync([.. Enumerable.Range(15, 15).Select(Row)]);
        return table;

        object?[] Row(int n) =>
        [
            (long)n, .. types.Select(type => n % 5 == 4 ? null : Of(type.Type, n)),
            n % 5 == 4 ? null : nested.Select(type => n % 3 == 2 ? null : Of(type.Type, n)).ToArray(),
            .. nested.Select(type => n % 5 == 4 ? null : (object)Enumerable.Range(0, n % 4).Select(i => i == 2 ? null : (object?)Of(type.Type, n + i)).ToList()),
            .. nested.Select(type => n % 5 == 4 ? null : (object)Enumerable.Range(0, n % 4).Select(i => KeyValuePair.Create((object)$"k{i}", i == 2 ? null : (object?)Of(type.Type, n + i))).ToList()),
        ];
    }

    private static async Task<ForeignTable> RequiredAsync(string warehouse, string name)
    {
        int id = 2;
        var table = await ForeignTable.CreateAsync(warehouse, name, 2, [Required(1, "id", new LongType()), .. Primitives.Select(type => Required(id++, type.Name, type.Type))]);
        await table.AppendAsync([.. Enumerable.Range(0, 10).Select(n => new object?[] { (long)n }.Concat(Primitives.Select(type => (object?)Of(type.Type, n))).ToArray())]);
        return table;
    }

    private static async Task<ForeignTable> NestedAsync(string warehouse, string name)
    {
        var leaf = new StructType([Optional(10, "a", new IntegerType()), Optional(11, "b", new StringType())]);
        var table = await ForeignTable.CreateAsync(warehouse, name, 2,
        [
            Required(1, "id", new LongType()),
            Optional(2, "lists", new ListType(12, new ListType(13, leaf, false), false)),
            Optional(3, "maps", new MapType(14, new StringType(), 15, new ListType(16, new LongType(), false), false)),
            Optional(4, "outer", new StructType([Optional(17, "inner", new StructType([Optional(18, "deep", new ListType(19, new StringType(), false)), Optional(20, "n", new LongType())]))])),
        ]);
        await table.AppendAsync([.. Enumerable.Range(0, 12).Select(n => new object?[]
        {
            (long)n,
            n % 4 == 3 ? null : Enumerable.Range(0, n % 3).Select(i => (object?)Enumerable.Range(0, i + 1).Select(j => (object?)new object?[] { n + j, j == 1 ? null : $"b{j}" }).ToList()).ToList(),
            n % 4 == 2 ? null : Enumerable.Range(0, n % 3).Select(i => KeyValuePair.Create((object)$"k{i}", (object?)Enumerable.Range(0, i).Select(j => (object?)(long)j).ToList())).ToList(),
            new object?[] { new object?[] { Enumerable.Range(0, n % 4).Select(i => (object?)$"d{i}").ToList(), n % 2 == 0 ? null : (long)n } },
        })]);
        return table;
    }

    /// <summary>A column and a partition field for each type that the transform takes; engines prune by the partitions, or by metrics where there are none.</summary>
    private static async Task<ForeignTable> PartitionedAsync(string warehouse, string name, Transform? transform, Func<IcebergType, bool>? isMeant = null, int version = 2)
    {
        var types = Primitives.Where(type => Takes(transform, type.Type) && isMeant?.Invoke(type.Type) is not false).ToList();
        var fields = types.Select((type, at) => Optional(at + 2, type.Name, type.Type)).ToList();
        var table = await ForeignTable.CreateAsync(
            warehouse, name, version, [Required(1, "id", new LongType()), .. fields],
            transform is null ? [] : [.. fields.Select((field, at) => new PartitionField(1000 + at, transform is Transform.Identity ? field.Name : "p_" + field.Name, [field.Id], transform))]);
        object?[] Row(int n) => [(long)n, .. types.Select(type => n == 5 ? null : Of(type.Type, n))];
        await table.AppendAsync([.. Enumerable.Range(0, 6).Select(Row)]);
        await table.AppendAsync([.. Enumerable.Range(6, 6).Select(Row)]);
        foreach (var (column, type) in types)
        {
            // ClickHouse takes the partition value of a uuid for a text.
            if (Literals(type, Of(type, 7)) is var (ours, clickHouse) && (type, transform) is not (UuidType, Transform.Identity))
            {
                // Each question costs a while: what a transform keeps no order of is not asked for a range.
                foreach (string comparison in transform switch { null or Transform.Identity => (string[])["=", "<"], Transform.Bucket or Transform.Void => ["="], _ => ["<"] })
                {
                    table.Ask($"{column} {comparison} {ours}", $"{column} {comparison} {clickHouse}");
                }
            }
        }

        table.Ask(types[0].Name + " IS NULL");
        return table;
    }

    private static bool Takes(Transform? transform, IcebergType type) => transform switch
    {
        null or Transform.Identity or Transform.Void => true,
        Transform.Bucket => type is not (BooleanType or FloatType or DoubleType),
        Transform.Truncate => type is IntegerType or LongType or DecimalType or StringType or BinaryType,
        Transform.Hour => type is TimestampType,
        _ => type is DateType or TimestampType,
    };

    private static async Task<ForeignTable> SpecEvolutionAsync(string warehouse, string name)
    {
        var table = await ForeignTable.CreateAsync(warehouse, name, 2, [Required(1, "id", new LongType()), Optional(2, "ts", new TimestampType(true)), Optional(3, "name", new StringType())]);
        object?[][] Rows(int first) => [.. Enumerable.Range(first, 8).Select(n => new object?[] { (long)n, Of(new TimestampType(true), n), $"n{n % 3}" })];
        await table.AppendAsync(Rows(0));
        await table.ChangeAsync(metadata => new UpdateSpec(metadata).AddField("ts", new Transform.Day()));
        await table.AppendAsync(Rows(8));
        await table.ChangeAsync(metadata => new UpdateSpec(metadata).RemoveField("ts_day").AddField("id", new Transform.Bucket(2)).AddField("name", new Transform.Identity()));
        await table.AppendAsync(Rows(16));
        table.Ask("id >= 7 AND id < 18");
        table.Ask("name = 'n1'");
        var (ours, clickHouse) = Literals(new TimestampType(true), Of(new TimestampType(true), 12))!.Value;
        table.Ask($"ts >= {ours}", $"ts >= {clickHouse}");
        return table;
    }

    private static async Task<ForeignTable> SchemaEvolutionAsync(string warehouse, string name, int version)
    {
        var table = await ForeignTable.CreateAsync(warehouse, name, version,
        [
            Required(1, "id", new LongType()), Optional(2, "n", new IntegerType()), Optional(3, "f", new FloatType()), Optional(4, "d", new DecimalType(9, 2)),
            Optional(5, "name", new StringType()), Required(6, "must", new IntegerType()), Optional(7, "gone", new StringType()),
        ]);
        await table.AppendAsync([.. Enumerable.Range(0, 5).Select(n => new object?[] { (long)n, n, n / 4f, new Decimal128(n * 105, 2), $"a{n}", n, "old" })]);
        await table.AlterAsync("ALTER COLUMN n TYPE BIGINT", "ALTER COLUMN f TYPE DOUBLE", "ALTER COLUMN d TYPE DECIMAL(18, 2)", "RENAME COLUMN name TO title", "DROP COLUMN gone", "ADD COLUMN later STRING");
        await table.AppendAsync([.. Enumerable.Range(5, 5).Select(n => new object?[] { (long)n, n * 10_000_000_000L, n / 3.0, new Decimal128(n * 1_000_000_000_000L, 2), $"b{n}", n, $"later {n}" })]);
        // A column of a name that one had before is another column, without its values.
        await table.AlterAsync("ADD COLUMN gone STRING", "ALTER COLUMN later FIRST", "ALTER COLUMN later AFTER id", "ALTER COLUMN must DROP NOT NULL");
        await table.AppendAsync([.. Enumerable.Range(10, 5).Select(n => new object?[] { (long)n, $"later {n}", -(long)n, -n / 3.0, new Decimal128(-n, 2), $"c{n}", n == 12 ? null : n, $"new {n}" })]);
        table.Ask("n > 3");
        table.Ask("title = 'a2'");
        // Not gone: of files that have a dropped column of that name ClickHouse asks that one.
        table.Ask("later IS NULL");
        table.Ask("must IS NULL");
        return table;
    }

    private static async Task<ForeignTable> NestedEvolutionAsync(string warehouse, string name, params IReadOnlyList<string> renames)
    {
        var table = await ForeignTable.CreateAsync(warehouse, name, 2,
        [
            Required(1, "id", new LongType()), Optional(2, "place", new StructType([Optional(5, "zip", new IntegerType()), Optional(6, "city", new StringType())])),
            Optional(3, "lines", new ListType(7, new StructType([Optional(8, "sku", new StringType()), Optional(9, "n", new IntegerType())]), false)),
        ]);
        await table.AppendAsync([.. Enumerable.Range(0, 5).Select(n => new object?[]
        {
            (long)n, new object?[] { n, $"c{n}" }, Enumerable.Range(0, n).Select(i => (object?)new object?[] { $"s{i}", i }).ToList(),
        })]);
        await table.AlterAsync([.. renames, "ADD COLUMN place.street STRING", "DROP COLUMN place.zip", "ADD COLUMN lines.element.price DOUBLE", "ALTER COLUMN lines.element.n TYPE BIGINT"]);
        await table.AppendAsync([.. Enumerable.Range(5, 5).Select(n => new object?[]
        {
            (long)n, new object?[] { $"t{n}", $"s{n}" }, Enumerable.Range(0, n % 3).Select(i => (object?)new object?[] { $"s{i}", i * 10_000_000_000L, i / 2.0 }).ToList(),
        })]);
        return table;
    }

    private static async Task<ForeignTable> DefaultsAsync(string warehouse, string name)
    {
        var table = await ForeignTable.CreateAsync(warehouse, name, 3, [Required(1, "id", new LongType()), Optional(2, "name", new StringType())]);
        await table.AppendAsync([.. Enumerable.Range(0, 5).Select(n => new object?[] { (long)n, $"a{n}" })]);
        await table.AlterAsync("ADD COLUMN level INT DEFAULT 7", "ADD COLUMN kind STRING DEFAULT 'plain'");
        await table.AppendAsync([.. Enumerable.Range(5, 5).Select(n => new object?[] { (long)n, $"a{n}", n == 6 ? null : n, "given" })]);
        return table;
    }

    private static object?[][] Simple(int first, int count) => [.. Enumerable.Range(first, count).Select(n => new object?[] { (long)n, n % 7 == 6 ? null : $"n{n % 4}", n % 5 })];

    private static Task<ForeignTable> SimpleAsync(string warehouse, string name, IReadOnlyList<PartitionField>? partitions = null, IReadOnlyDictionary<string, string>? properties = null, int version = 2) =>
        ForeignTable.CreateAsync(warehouse, name, version, [Required(1, "id", new LongType()), Optional(2, "name", new StringType()), Optional(3, "k", new IntegerType())], partitions, properties);

    private static async Task<ForeignTable> PositionDeletesAsync(string warehouse, string name, IReadOnlyList<PartitionField> partitions)
    {
        var table = await SimpleAsync(warehouse, name, partitions);
        await table.AppendAsync(Simple(0, 20));
        await table.DeletePositionsAsync(0, 3, 7, 19);
        table.Earlier.Add(table.Table.Metadata.CurrentSnapshotId!.Value);
        await table.AppendAsync(Simple(20, 20));
        await table.DeletePositionsAsync(8, 25, 26, 39);
        table.Ask("id > 5 AND id < 30");
        return table;
    }

    private static async Task<ForeignTable> EqualityDeletesAsync(string warehouse, string name, IReadOnlyList<PartitionField> partitions)
    {
        var table = await SimpleAsync(warehouse, name, partitions);
        await table.AppendAsync(Simple(0, 20));
        await table.DeleteKeysAsync([1], [3L], [4L], [25L]);
        table.Earlier.Add(table.Table.Metadata.CurrentSnapshotId!.Value);
        // Rows that come after are not hit, also those that are the same.
        await table.AppendAsync([.. Simple(20, 10), .. Simple(3, 1)]);
        await table.DeleteKeysAsync([2, 3], ["n1", 1], ["n2", 3]);
        await table.DeletePositionsAsync(8);
        table.Ask("name = 'n2'");
        return table;
    }

    private static async Task<ForeignTable> RewrittenAsync(string warehouse, string name)
    {
        var table = await SimpleAsync(warehouse, name);
        await table.AppendAsync(Simple(0, 10));
        await table.DeletePositionsAsync(2, 5);
        table.Earlier.Add(table.Table.Metadata.CurrentSnapshotId!.Value);
        await table.RewriteAsync([.. Simple(0, 10).Where(row => row[0] is not (2L or 5L))]);
        await table.AppendAsync(Simple(10, 5));
        return table;
    }

    private static async Task<ForeignTable> ManifestsAsync(string warehouse, string name, string codec, int version = 2)
    {
        var table = await SimpleAsync(
            warehouse, name, [new PartitionField(1000, "b", [1], new Transform.Bucket(2))],
            new Dictionary<string, string> { ["write.avro.compression-codec"] = codec, ["commit.manifest.min-count-to-merge"] = "3" }, version);
        for (int commit = 0; commit < 5; commit++)
        {
            await table.AppendAsync(Simple(commit * 4, 4));
        }

        await table.RewriteManifestsAsync();
        await table.AppendAsync(Simple(20, 4));
        table.Ask("id = 9");
        return table;
    }

    private static async Task<ForeignTable> CodecAsync(string warehouse, string name, string codec)
    {
        var table = await SimpleAsync(warehouse, name, [], new Dictionary<string, string>
        {
            ["write.parquet.compression-codec"] = codec, ["write.parquet.page-row-limit"] = "100", ["write.parquet.row-group-size-bytes"] = "4096", ["write.parquet.bloom-filter-enabled.column.id"] = "true",
        });
        await table.AppendAsync(Simple(0, 2000));
        table.Ask("id = 1234");
        table.Ask("id >= 990 AND id < 1010");
        return table;
    }

    private static async Task<ForeignTable> OddNamesAsync(string warehouse, string name)
    {
        string[] names = ["a name", "dotted.name", "ünïcode", "select", "1st", "UPPER", "with-dash", "emoji 🐘"];
        var table = await ForeignTable.CreateAsync(
            warehouse, name, 2, [Required(1, "id", new LongType()), .. names.Select((column, at) => Optional(at + 2, column, new StringType()))],
            [new PartitionField(1000, "part of a name", [2], new Transform.Identity())]);
        await table.AppendAsync([.. Enumerable.Range(0, 6).Select(n => new object?[] { (long)n }.Concat(names.Select(column => (object?)$"{column} {n % 2}")).ToArray())]);
        return table;
    }
}
