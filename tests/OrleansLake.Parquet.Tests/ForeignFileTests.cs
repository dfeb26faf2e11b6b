using System.Text.Json.Nodes;
using OrleansLake.Testing;

namespace OrleansLake.Parquet.Tests;

/// <summary>Files of many other writers, from apache/parquet-testing.</summary>
public sealed class ForeignFileTests
{
    /// <summary>Files that DuckDB 1.5.6 reads wrongly or not at all, with the reason.</summary>
    private static readonly Dictionary<string, string> NotForDuckDb = new()
    {
        ["large_string_map.brotli.parquet"] = "a value of 1 GiB takes too long as JSON",
        ["byte_stream_split_extended.gzip.parquet"] = "it knows BYTE_STREAM_SPLIT of floating-point numbers only",
        ["hadoop_lz4_compressed.parquet"] = "it does not know the deprecated LZ4",
        ["hadoop_lz4_compressed_larger.parquet"] = "it does not know the deprecated LZ4",
        ["non_hadoop_lz4_compressed.parquet"] = "it does not know the deprecated LZ4",
        ["map_no_value.parquet"] = "it wants a value in each map",
        ["int96_from_spark.parquet"] = "it counts nanoseconds, which overflow",
    };

    private static readonly Lazy<Dictionary<string, JsonNode>> DuckDbAnswers = new(AskDuckDb);

    /// <summary>The one whose map takes more than two gigabytes is among the tests of endurance.</summary>
    public static IEnumerable<TheoryDataRow<string>> DataFiles() => Names("data").Select(static name =>
        name.StartsWith("large_string_map", StringComparison.Ordinal) ? new TheoryDataRow<string>(name).WithTrait("Category", "Endurance") : new TheoryDataRow<string>(name));

    public static TheoryData<string> BadFiles() => [.. Names("bad_data")];

    [Theory]
    [MemberData(nameof(DataFiles))]
    public void Reads_what_others_wrote_as_DuckDB_does(string name)
    {
        string path = PathOf("data", name);
        var options = new ParquetReaderOptions { VerifyChecksums = !name.Contains("corrupt", StringComparison.Ordinal) };
        using var stream = File.OpenRead(path);
        var reader = ParquetReader.Open(stream, options);
        long rows = reader.Footer.RowGroups.Sum(rowGroup => rowGroup.RowCount);
        if (NotForDuckDb.ContainsKey(name))
        {
            Assert.Equal(rows, reader.Read(batchRows: 1).Sum(batch => batch.RowCount));
            return;
        }

        var all = Files.Gather(reader);
        Assert.Equal(rows, all.RowCount);
        var fields = reader.Schema.Fields;
        var expected = RowJson.Of(all);
        var found = DuckDb.Rows(DuckDbAnswers.Value[name]);
        Assert.Equal(all.RowCount, found.Count);
        for (int row = 0; row < found.Count; row++)
        {
            for (int i = 0; i < fields.Count; i++)
            {
                string want = RowJson.Text(found[row]![$"c{i}"]);
                string got = RowJson.Text(expected[row]![fields[i].Name]);
                Assert.True(want == got, $"{name} row {row} {fields[i].Name}: DuckDB found {want}, we found {got}");
            }
        }
    }

    [Theory]
    [InlineData("delta_binary_packed")]
    [InlineData("delta_byte_array")]
    [InlineData("delta_encoding_optional_column")]
    [InlineData("delta_encoding_required_column")]
    public void Reads_what_the_expected_list_says(string name)
    {
        var all = Files.ReadAll(File.ReadAllBytes(PathOf("data", $"{name}.parquet")));
        var lines = File.ReadAllLines(PathOf("data", $"{name}_expect.csv"));
        Assert.Equal(all.RowCount, lines.Length - 1);
        var values = lines.Skip(1).Select(Values).ToList();
        Assert.All(values, line => Assert.Equal(all.Columns.Length, line.Count));
        foreach (var column in all.Columns)
        {
            var found = RowJson.Of(column);
            for (int row = 0; row < found.Count; row++)
            {
                string want = values[row][column.Column.Index];
                string got = found[row]?.ToString() ?? "";
                Assert.True(want == got, $"{name} row {row} {column.Column}: expected {want}, got {got}");
            }
        }
    }

    /// <summary>The values of a line; an empty one is null, or text of no length.</summary>
    private static List<string> Values(string line)
    {
        var values = new List<string>();
        foreach (System.Text.RegularExpressions.Match match in System.Text.RegularExpressions.Regex.Matches(line, "(?:^|,)(?:\"([^\"]*)\"|([^,]*))"))
        {
            values.Add(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value);
        }

        return values;
    }

    [Fact]
    public void Byte_stream_split_columns_equal_their_plain_twins()
    {
        var all = Files.ReadAll(File.ReadAllBytes(PathOf("data", "byte_stream_split_extended.gzip.parquet")));
        for (int i = 0; i < all.Columns.Length; i += 2)
        {
            Assert.Equal(RowJson.Of(all.Columns[i]).Select(RowJson.Text), RowJson.Of(all.Columns[i + 1]).Select(RowJson.Text));
        }
    }

    [Fact]
    public void Every_kind_of_LZ4_gives_the_same_rows()
    {
        string[] expected = ["1593604800:616263:42", "1593604800:646566:7.7", "1593604801:616263:42.125", "1593604801:646566:7.7"];
        foreach (string name in (string[])["hadoop_lz4_compressed.parquet", "non_hadoop_lz4_compressed.parquet", "lz4_raw_compressed.parquet"])
        {
            var all = Files.ReadAll(File.ReadAllBytes(PathOf("data", name)));
            Assert.Equal(expected, RowJson.Of(all).Select(row => string.Join(':', row!.AsObject().Select(field => RowJson.Text(field.Value)))));
        }

        var raw = RowJson.Of(Files.ReadAll(File.ReadAllBytes(PathOf("data", "lz4_raw_compressed_larger.parquet"))).Columns[0]);
        var hadoop = RowJson.Of(Files.ReadAll(File.ReadAllBytes(PathOf("data", "hadoop_lz4_compressed_larger.parquet"))).Columns[0]);
        Assert.Equal(raw.Select(RowJson.Text), hadoop.Select(RowJson.Text));
    }

    [Fact]
    public void Maps_without_values_and_lists_of_their_keys_are_equal()
    {
        var all = RowJson.Of(Files.ReadAll(File.ReadAllBytes(PathOf("data", "map_no_value.parquet"))));
        Assert.Equal(
            ["[1,2,3]:[1,2,3]:[1,2,3]", "[4,5,6]:[4,5,6]:[4,5,6]", "[7,8,9]:[7,8,9]:[7,8,9]"],
            all.Select(row => string.Join(':', row!.AsObject().Select(field => RowJson.Text(new JsonArray([.. field.Value!.AsArray().Select(entry => (entry is JsonObject pair ? pair["key"] : entry)?.DeepClone())]))))));
    }

    [Fact]
    public void Timestamps_of_96_bits_reach_beyond_64_bits_of_nanoseconds()
    {
        var all = Files.ReadAll(File.ReadAllBytes(PathOf("data", "int96_from_spark.parquet")));
        Assert.Equal(
            ["1704141296123456", "1704070800000000", "253402225200000000", "1735599600000000", "null", "9089380393200000000"],
            RowJson.Of(all.Columns[0]).Select(RowJson.Text));
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void Refuses_what_is_broken_and_says_where(string name)
    {
        string path = PathOf("bad_data", name);
        if (name == "ARROW-GH-43605.parquet")
        {
            // Odd but not wrong: indices of no bits into a dictionary of one entry.
            Assert.Equal(21186, Files.Gather(ParquetReader.Open(File.ReadAllBytes(path))).RowCount);
            return;
        }

        var error = Assert.Throws<ParquetFormatException>(() => Files.Gather(ParquetReader.Open(File.ReadAllBytes(path))));
        Assert.Matches("column|footer", error.Message);
    }

    [Fact]
    public void Finds_a_page_whose_bytes_have_changed()
    {
        foreach (string name in (string[])["datapage_v1-corrupt-checksum.parquet", "rle-dict-uncompressed-corrupt-checksum.parquet"])
        {
            string path = PathOf("data", name);
            var error = Assert.Throws<ParquetFormatException>(() => Files.Gather(ParquetReader.Open(File.ReadAllBytes(path))));
            Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>One process for all files: starting it takes longer than reading them.</summary>
    private static Dictionary<string, JsonNode> AskDuckDb()
    {
        var queries = new List<(string Name, string Sql)>();
        foreach (string name in DataFiles().Select(row => row.Data).Where(name => !NotForDuckDb.ContainsKey(name)))
        {
            string path = PathOf("data", name);
            var fields = ParquetReader.Open(File.ReadAllBytes(path)).Schema.Fields;
            string list = string.Join(", ", fields.Select((field, i) => $"{Select(field)} AS c{i}"));
            queries.Add((name, $"SELECT {list} FROM '{path}'"));
        }

        var answers = DuckDb.QueryPath("", [.. queries.Select(query => query.Sql)]);
        return queries.Zip(answers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }

    /// <summary>How to ask DuckDB for a field in the form that <see cref="RowJson"/> gives.</summary>
    private static string Select(ParquetNode field, string parent = "")
    {
        string name = $"{parent}\"{field.Name}\"";
        if (field is ParquetNode.Group { LogicalType: null, Repetition: Repetition.Required } group && group.Children.All(child => child is ParquetNode.Primitive))
        {
            return $"{{{string.Join(", ", group.Children.Select(child => $"'{child.Name}': {Select(child, name + ".")}"))}}}";
        }

        return field is not ParquetNode.Primitive { Repetition: not Repetition.Repeated } leaf ? name : (leaf.PhysicalType, leaf.LogicalType) switch
        {
            (PhysicalType.Int96, _) => $"epoch_us({name})",
            (PhysicalType.ByteArray or PhysicalType.FixedLenByteArray, null) => $"hex({name})",
            (PhysicalType.Int32, LogicalType.Date) => $"({name} - DATE '1970-01-01')",
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Micros, _)) => $"epoch_us({name})",
            _ => name,
        };
    }

    private static IEnumerable<string> Names(string folder)
    {
        string? path = SharedData.Find($"parquet-testing/{folder}");
        return path is null
            ? ["(absent)"]
            : Directory.EnumerateFiles(path, "*.parquet").Select(file => Path.GetFileName(file)).Order();
    }

    private static string PathOf(string folder, string name)
    {
        string? path = SharedData.Find($"parquet-testing/{folder}/{name}");
        Assert.SkipWhen(path is null, "shared/data/parquet-testing is absent");
        return path;
    }
}
