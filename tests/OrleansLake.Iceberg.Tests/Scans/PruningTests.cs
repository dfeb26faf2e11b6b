using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg.Tests.Scans;

/// <summary>
/// Random rows, files, specs and conditions: pruning never loses a row, and never claims that all rows match where one does
/// not. What a condition means is worked out a second time here, in SQL's three values.
/// </summary>
public sealed class PruningTests
{
    private static readonly Schema Table = new()
    {
        SchemaId = 0,
        Fields =
        [
            new(1, "i", false, new IntegerType()), new(2, "l", true, new LongType()), new(3, "f", false, new FloatType()), new(4, "d", true, new DoubleType()),
            new(5, "dec", false, new DecimalType(9, 2)), new(6, "day", false, new DateType()), new(7, "ts", false, new TimestampType(true)), new(8, "s", false, new StringType()),
            new(9, "b", false, new BinaryType()), new(10, "flag", false, new BooleanType()), new(11, "u", false, new UuidType()), new(12, "nano", false, new TimestampNanoType(false)),
        ],
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_row_is_lost_and_nothing_is_claimed_too_much(int seed)
    {
        var random = new Random(seed);
        int prunedFiles = 0, prunedManifests = 0, whole = 0, kept = 0;
        for (int round = 0; round < 120; round++)
        {
            var spec = RandomSpec(random);
            var metadata = Metadata(spec);
            var rows = Enumerable.Range(0, random.Next(1, 20)).Select(_ => RandomRow(random)).ToList();
            var files = rows.GroupBy(row => KeyOf(spec, row)).Select(group => (File: FileOf(random, spec, group.Key, [.. group]), Rows: group.ToList())).ToList();
            var writer = new ManifestWriter(metadata, 0, ManifestContent.Data, Guid.Empty);
            foreach (var (file, _) in files)
            {
                writer.AddNew(file);
            }

            var manifest = writer.Finish("memory://manifest", 1).Manifest;
            for (int condition = 0; condition < 20; condition++)
            {
                var expression = RandomExpression(random, 2, rows);
                var filter = new FileFilter(metadata, expression);
                string Context() => $"seed {seed}, round {round}, condition {condition}: {filter.Expression} by {string.Join(", ", spec.Fields.Select(field => $"{field.Transform}({field.SourceId})"))}";
                foreach (object?[] row in rows)
                {
                    Assert.True(Truth(expression, row) == true == filter.Expression.Matches(id => row[id - 1]), $"{Context()} on {string.Join(", ", row)}");
                }

                bool any = rows.Any(row => Truth(expression, row) == true);
                Assert.True(filter.MightMatch(manifest) || !any, Context());
                prunedManifests += filter.MightMatch(manifest) ? 0 : 1;
                foreach (var (file, inside) in files)
                {
                    int matching = inside.Count(row => Truth(expression, row) == true);
                    Assert.True(filter.MightMatch(file) || matching == 0, Context());
                    Assert.True(!filter.MustMatch(file) || matching == inside.Count, Context());
                    var residual = filter.ResidualOf(file);
                    Assert.All(inside, row => Assert.True(residual.Matches(id => row[id - 1]) == (Truth(expression, row) == true), $"{Context()}: residual {residual}"));
                    _ = filter.MustMatch(file) ? whole++ : filter.MightMatch(file) ? kept++ : prunedFiles++;
                }
            }
        }

        // A filter that never prunes would pass all of the above.
        Assert.True(prunedFiles > 1000 && prunedManifests > 60 && whole > 1000 && kept > 1000, $"{prunedFiles} {prunedManifests} {whole} {kept}");
    }

    [Fact]
    public void Missing_metrics_prune_nothing()
    {
        var filter = new FileFilter(Metadata(new PartitionSpec { SpecId = 0, Fields = [] }), Expression.Parse("i > 5 and s like 'x%' and f is nan and day is null"));
        var file = new DataFile { FilePath = "f", SpecId = 0, Partition = PartitionKey.None, RecordCount = 3, FileSizeBytes = 1 };
        Assert.True(filter.MightMatch(file));
        Assert.False(filter.MustMatch(file));
        Assert.False(filter.MightMatch(file with { RecordCount = 0 }));
    }

    [Fact]
    public void Bounds_that_make_no_sense_prune_nothing()
    {
        var filter = new FileFilter(Metadata(new PartitionSpec { SpecId = 0, Fields = [] }), Expression.Parse("i = 5 or d = 5 or s = 'm' or u = UUID '01234567-89ab-cdef-0123-456789abcdef'"));
        foreach (var (id, lower, upper) in new[]
        {
            (1, SingleValue.ToBytes(9), SingleValue.ToBytes(1)), (1, [1, 2, 3], SingleValue.ToBytes(9)), (4, SingleValue.ToBytes(double.NaN), SingleValue.ToBytes(double.NaN)),
            (8, new byte[] { 0xC3 }, [0xC3]), (11, SingleValue.ToBytes(Guid.Empty), SingleValue.ToBytes(Guid.Empty)),
        })
        {
            var counts = new Dictionary<int, long> { [1] = 3, [4] = 3, [8] = 3, [11] = 3 };
            var nulls = counts.ToDictionary(pair => pair.Key, pair => pair.Key == id ? 0L : 3);
            var file = new DataFile
            {
                FilePath = "f", SpecId = 0, Partition = PartitionKey.None, RecordCount = 3, FileSizeBytes = 1, ValueCounts = counts, NullValueCounts = nulls,
                LowerBounds = new Dictionary<int, byte[]> { [id] = lower }, UpperBounds = new Dictionary<int, byte[]> { [id] = upper },
            };
            Assert.True(filter.MightMatch(file), $"column {id}");
            Assert.False(filter.MustMatch(file));
        }
    }

    [Fact]
    public void Bounds_of_a_column_before_its_promotion_are_read()
    {
        var schema = new Schema { SchemaId = 0, Fields = [new(1, "l", false, new LongType()), new(2, "d", false, new DoubleType()), new(3, "ts", false, new TimestampType(false))] };
        var metadata = Metadata(new PartitionSpec { SpecId = 0, Fields = [] }) with { Schemas = [schema] };
        var file = new DataFile
        {
            FilePath = "f", SpecId = 0, Partition = PartitionKey.None, RecordCount = 3, FileSizeBytes = 1,
            LowerBounds = new Dictionary<int, byte[]> { [1] = SingleValue.ToBytes(5), [2] = SingleValue.ToBytes(5f), [3] = SingleValue.ToBytes(20000) },
            UpperBounds = new Dictionary<int, byte[]> { [1] = SingleValue.ToBytes(9), [2] = SingleValue.ToBytes(9f), [3] = SingleValue.ToBytes(20001) },
        };
        foreach (var (where, might) in new[] { ("l = 7", true), ("l = 10", false), ("d = 7", true), ("d < 5", false), ("ts > '2024-10-05'", false), ("ts >= '2024-10-05'", true) })
        {
            Assert.True(might == new FileFilter(metadata, Expression.Parse(where)).MightMatch(file), where);
        }
    }

    /// <summary>Whether a condition is true, false or (null) neither, by the definition.</summary>
    private static bool? Truth(Expression expression, object?[] row)
    {
        switch (expression)
        {
            case Expression.Constant(var constant):
                return constant;
            case Expression.Not(var operand):
                return !Truth(operand, row);
            case Expression.And(var operands):
                var all = operands.Select(operand => Truth(operand, row)).ToList();
                return all.Contains(false) ? false : all.Contains(null) ? null : true;
            case Expression.Or(var operands):
                var any = operands.Select(operand => Truth(operand, row)).ToList();
                return any.Contains(true) ? true : any.Contains(null) ? null : false;
        }

        var predicate = (Expression.Predicate)expression;
        object? value = row[Table.FindField(predicate.Column)!.Id - 1];
        bool isNan = value is float.NaN or double.NaN;
        switch (predicate.Operation)
        {
            case PredicateOperation.IsNull:
                return value is null;
            case PredicateOperation.NotNull:
                return value is not null;
            case PredicateOperation.IsNan:
                return isNan;
            case PredicateOperation.NotNan:
                return !isNan;
        }

        if (value is null)
        {
            return null;
        }

        if (predicate.Operation is PredicateOperation.StartsWith or PredicateOperation.NotStartsWith)
        {
            return ((string)value).StartsWith((string)predicate.Values[0], StringComparison.Ordinal) == (predicate.Operation == PredicateOperation.StartsWith);
        }

        if (predicate.Operation is PredicateOperation.Like)
        {
            return System.Text.RegularExpressions.Regex.IsMatch((string)value, "^" + string.Concat(((LikePattern)predicate.Values[0]).Text.Select(c => c == '%' ? ".*" : c == '_' ? "." : c.ToString())) + "$");
        }

        var order = predicate.Values.Select(other => isNan ? (int?)null : Order(value, other)).ToList();
        return predicate.Operation switch
        {
            PredicateOperation.LessThan => order[0] < 0,
            PredicateOperation.LessThanOrEqual => order[0] <= 0,
            PredicateOperation.GreaterThan => order[0] > 0,
            PredicateOperation.GreaterThanOrEqual => order[0] >= 0,
            PredicateOperation.Equal or PredicateOperation.In => order.Contains(0),
            _ => !order.Contains(0),
        };
    }

    private static int Order(object a, object b) => (a, b) switch
    {
        (float x, float y) => x < y ? -1 : x > y ? 1 : 0,
        (double x, double y) => x < y ? -1 : x > y ? 1 : 0,
        (string x, string y) => System.Text.Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(y)),
        (byte[] x, byte[] y) => x.AsSpan().SequenceCompareTo(y),
        (Decimal128 x, Decimal128 y) => x.Unscaled.CompareTo(y.Unscaled),
        (Guid x, Guid y) => x.ToByteArray(true).AsSpan().SequenceCompareTo(y.ToByteArray(true)),
        _ => ((IComparable)a).CompareTo(b),
    };

    private static Expression RandomExpression(Random random, int depth, List<object?[]> rows)
    {
        if (depth > 0 && random.Next(3) > 0)
        {
            var (left, right) = (RandomExpression(random, depth - 1, rows), RandomExpression(random, depth - 1, rows));
            return random.Next(3) switch { 0 => left & right, 1 => left | right, _ => !left };
        }

        var field = Table.Fields[random.Next(Table.Fields.Count)];
        object Value()
        {
            // Often one that a row has, else nothing would ever be equal.
            object? value = random.Next(2) == 0 ? rows[random.Next(rows.Count)][field.Id - 1] : RandomValue(random, field.Type);
            return value is null or float.NaN or double.NaN ? RandomValue(random, field.Type, plain: true) : value;
        }

        return random.Next(14) switch
        {
            0 => Expression.IsNull(field.Name),
            1 => Expression.NotNull(field.Name),
            2 when field.Type is FloatType or DoubleType => Expression.IsNan(field.Name),
            3 when field.Type is FloatType or DoubleType => Expression.NotNan(field.Name),
            2 or 3 or 4 => Expression.LessThan(field.Name, Value()),
            5 => Expression.LessThanOrEqual(field.Name, Value()),
            6 => Expression.GreaterThan(field.Name, Value()),
            7 => Expression.GreaterThanOrEqual(field.Name, Value()),
            8 => Expression.Equal(field.Name, Value()),
            9 => Expression.NotEqual(field.Name, Value()),
            10 => Expression.In(field.Name, [Value(), Value(), Value()]),
            11 => Expression.NotIn(field.Name, [Value(), Value()]),
            12 when field.Type is StringType => Expression.StartsWith(field.Name, CodePoints.Prefix((string)Value(), random.Next(1, 4))),
            13 when field.Type is StringType => Expression.Like(field.Name, random.Next(2) == 0 ? "%a%" : CodePoints.Prefix((string)Value(), 2) + "%b"),
            12 when field.Type is not StringType => Expression.Equal(field.Name, Value()),
            _ => random.Next(2) == 0 ? Expression.AlwaysTrue : Expression.AlwaysFalse,
        };
    }

    private static object?[] RandomRow(Random random) => [.. Table.Fields.Select(field => !field.Required && random.Next(5) == 0 ? null : RandomValue(random, field.Type))];

    private static object RandomValue(Random random, IcebergType type, bool plain = false)
    {
        bool extreme = random.Next(12) == 0;
        return type switch
        {
            IntegerType => extreme ? random.Next(2) == 0 ? int.MinValue + random.Next(9) : int.MaxValue - random.Next(9) : random.Next(-20, 20),
            LongType => extreme ? random.Next(2) == 0 ? long.MinValue + random.Next(9) : long.MaxValue - random.Next(9) : (long)random.Next(-20, 20),
            FloatType => !plain && extreme ? float.NaN : random.Next(6) switch { 0 => -0.0f, 1 => 0.0f, 2 => float.NegativeInfinity, _ => random.Next(-4, 5) / 2f },
            DoubleType => !plain && extreme ? double.NaN : random.Next(6) switch { 0 => -0.0, 1 => 0.0, 2 => double.PositiveInfinity, _ => random.Next(-4, 5) / 2.0 },
            DecimalType => new Decimal128(random.Next(-3000, 3000), 2),
            DateType => extreme ? random.Next(-1_000_000, 1_000_000) : random.Next(-500, 500),
            TimestampType => random.NextInt64(-100, 100) * (extreme ? 86_400_000_000_000 : 1_800_000_000),
            TimestampNanoType => random.NextInt64(-100, 100) * 1_800_000_000_000 + random.Next(3),
            StringType => string.Concat(Enumerable.Range(0, random.Next(plain ? 1 : 0, 6)).Select(_ => random.Next(12) == 0 ? "😀" : random.Next(12) == 0 ? "\uFFFD" : ((char)('a' + random.Next(3))).ToString())),
            BinaryType => Enumerable.Range(0, random.Next(0, 5)).Select(_ => random.Next(4) == 0 ? (byte)255 : (byte)random.Next(3)).ToArray(),
            BooleanType => random.Next(2) == 0,
            _ => new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)(random.Next(2) * 255))]),
        };
    }

    private static PartitionSpec RandomSpec(Random random)
    {
        var fields = new List<PartitionField>();
        for (int i = random.Next(4); i > 0; i--)
        {
            var source = Table.Fields[random.Next(Table.Fields.Count)];
            Transform[] all = [new Transform.Identity(), new Transform.Bucket(3), new Transform.Truncate(random.Next(1, 5)), new Transform.Year(), new Transform.Month(), new Transform.Day(), new Transform.Hour(), new Transform.Void()];
            Transform[] fitting = [.. all.Where(one => one.AppliesTo(source.Type))];
            fields.Add(new PartitionField(1000 + fields.Count, $"p{fields.Count}", [source.Id], fitting[random.Next(fitting.Length)]));
        }

        return new PartitionSpec { SpecId = 0, Fields = fields };
    }

    private static PartitionKey KeyOf(PartitionSpec spec, object?[] row) =>
        new([.. spec.Fields.Select(field => field.Transform.Apply(Table.FindField(field.SourceId)!.Type, row[field.SourceId - 1]))]);

    private static DataFile FileOf(Random random, PartitionSpec spec, PartitionKey key, List<object?[]> rows)
    {
        var (values, nulls, nans) = (new Dictionary<int, long>(), new Dictionary<int, long>(), new Dictionary<int, long>());
        var (lower, upper) = (new Dictionary<int, byte[]>(), new Dictionary<int, byte[]>());
        foreach (var field in Table.Fields)
        {
            int id = field.Id;
            if (random.Next(10) == 0)
            {
                continue;
            }

            values[id] = rows.Count;
            if (random.Next(8) > 0)
            {
                nulls[id] = rows.Count(row => row[id - 1] is null);
            }

            if (field.Type is FloatType or DoubleType && random.Next(4) > 0)
            {
                nans[id] = rows.Count(row => row[id - 1] is float.NaN or double.NaN);
            }

            var known = rows.Select(row => row[id - 1]).Where(value => value is not (null or float.NaN or double.NaN)).Select(value => value!).ToList();
            if (known.Count > 0 && random.Next(8) > 0)
            {
                known.Sort(SingleValue.Compare);
                bool cut = random.Next(2) == 0;
                lower[id] = SingleValue.ToBytes(cut && known[0] is string text ? CodePoints.Prefix(text, 1) : known[0]);
                // Rounded up, as a writer that cuts must: any character is below the last one.
                upper[id] = SingleValue.ToBytes(cut && known[^1] is string last ? CodePoints.Prefix(last, 1) + "\U0010FFFF" : known[^1]);
            }
        }

        return new DataFile
        {
            FilePath = $"memory://{key.GetHashCode()}", SpecId = spec.SpecId, Partition = key, RecordCount = rows.Count, FileSizeBytes = 100,
            ValueCounts = values, NullValueCounts = nulls, NanValueCounts = nans, LowerBounds = lower, UpperBounds = upper,
        };
    }

    private static TableMetadata Metadata(PartitionSpec spec) => new()
    {
        FormatVersion = 2, TableUuid = Guid.Empty, Location = "memory://table", LastUpdatedMs = 1, LastColumnId = 12, Schemas = [Table], CurrentSchemaId = 0,
        PartitionSpecs = [spec], DefaultSpecId = 0, LastPartitionId = 1010, SortOrders = [], DefaultSortOrderId = 0,
    };
}
