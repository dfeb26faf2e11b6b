using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing.Processes;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>The tables in docs/records.md are what the decoder does: each token in each type, strictly and with every leniency.</summary>
public sealed class TypingTableTests
{
    private static readonly IcebergType[] Types =
    [
        new BooleanType(), new IntegerType(), new LongType(), new FloatType(), new DoubleType(), new DecimalType(9, 2), new DateType(), new TimeType(), new TimestampType(WithZone: false),
        new TimestampType(WithZone: true), new StringType(), new UuidType(), new FixedType(4), new BinaryType(),
        new StructType([Optional(10, "a", new LongType())]), new ListType(11, new LongType(), ElementRequired: false), new MapType(12, new StringType(), 13, new LongType(), ValueRequired: false),
    ];

    private static readonly string[] Tokens =
    [
        "true", "1", "-0.0", "1.5", "1.005", "1e3", "2147483648", "9223372036854775808", "1e39", "1e400",
        "\"\"", "\"text\"", "\"1\"", "\"true\"", "\"2024-02-29\"", "\"23:59:59.5\"", "\"2024-02-29T23:59:59\"", "\"2024-02-29T23:59:59+02:00\"", "\"2024-02-29T23:59:59[Europe/Berlin]\"",
        "\"2024-02-29T23:59:37.260514+00:00\"", "\"2024-02-29T23:59:59.1234567Z\"", "\"f47ac10b-58cc-4372-a567-0e02b2c3d479\"", "\"AAECAw==\"", "\"\\ud800\"",
        "{}", "{\"a\":1}", "{\"a\":\"x\"}", "[]", "[1,null]", "null",
    ];

    [Fact]
    public void Every_token_in_every_type_is_as_the_documentation_says()
    {
        var lenient = new RecordOptions
        {
            OnUnfit = new Dictionary<string, UnfitAction> { ["*"] = UnfitAction.Text },
            Epoch = new Dictionary<string, EpochUnit> { ["*"] = EpochUnit.Seconds },
            NumbersInStrings = new Dictionary<string, bool> { ["*"] = true },
            CutFraction = true,
        };
        string expected = $"{Table(new RecordOptions())}\n{Differences(lenient)}";
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "records.md")).ReplaceLineEndings("\n");
        foreach (string line in expected.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.True(page.Contains(line, StringComparison.Ordinal), $"docs/records.md lacks the line\n{line}\nof\n{expected}");
        }
    }

    [Fact]
    public void Nothing_that_is_not_utf8_is_a_row()
    {
        foreach (var type in Types)
        {
            var decoding = new Decoding(SchemaOf(Optional(1, "v", type)));
            Assert.Equal(RejectReason.InvalidUtf8, Assert.Single(decoding.Run([[.. "{\"v\":\""u8, 0xC3, 0x28, .. "\"}"u8]]).Rejected).Reason);
        }
    }

    [Fact]
    public void Nothing_and_null_are_refused_in_every_required_column()
    {
        foreach (var type in Types)
        {
            var decoding = new Decoding(SchemaOf(Required(1, "v", type)));
            Assert.Equal([RejectReason.MissingRequired, RejectReason.MissingRequired], decoding.Run("{}", "{\"v\":null}").Rejected.Select(r => r.Reason));
        }
    }

    private static string Table(RecordOptions options)
    {
        var text = new StringBuilder("| |");
        text.AppendJoin('|', Types.Select(type => $" {JsonPlanCompiler.TypeName(type)} ")).Append("|\n|---|");
        text.Append(string.Concat(Enumerable.Repeat("---|", Types.Length))).Append('\n');
        foreach (string token in Tokens)
        {
            text.Append($"| `{token}` |").AppendJoin('|', Types.Select(type => $" {Cell(type, token, options)} ")).Append("|\n");
        }

        return text.ToString();
    }

    /// <summary>One line for each cell that leniency changes.</summary>
    private static string Differences(RecordOptions lenient)
    {
        var lines = from type in Types
                    let cells = Tokens.Select(token => (Token: token, Strict: Cell(type, token, new RecordOptions()), Lenient: Cell(type, token, lenient))).Where(cell => cell.Strict != cell.Lenient).ToList()
                    where cells.Count > 0
                    select $"| {JsonPlanCompiler.TypeName(type)} | {string.Join("; ", cells.Select(cell => $"`{cell.Token}` → {cell.Lenient}"))} |";
        return string.Join('\n', lines);
    }

    private static string Cell(IcebergType type, string token, RecordOptions options)
    {
        string[] cells = [.. Widths.Select(width =>
        {
            var decoding = new Decoding(SchemaOf(Optional(1, "v", type)), new JsonDecoderOptions { VectorWidth = width, Records = options });
            var (rows, rejected) = decoding.Run($"{{\"v\":{token}}}");
            return rejected.Count > 0 ? rejected[0].Reason.ErrorClass().Replace("wrong-type", "·", StringComparison.Ordinal) : $"`{rows[0]![5..^1]}`";
        }).Distinct()];
        return Assert.Single(cells);
    }
}
