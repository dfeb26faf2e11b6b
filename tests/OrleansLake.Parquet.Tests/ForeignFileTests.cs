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
    };

    private static readonly Lazy<Dictionary<string, JsonNode>> DuckDbAnswers = new(AskDuckDb);

    public static TheoryData<string> DataFiles() => Names("data");

    public static TheoryData<string> BadFiles() => Names("bad_data");

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
        var flat = Comparable(reader.Schema);
        if (flat.Count == 0)
        {
            return;
        }

        var found = DuckDb.Rows(DuckDbAnswers.Value[name]);
        Assert.Equal(all.RowCount, found.Count);
        foreach (var column in flat)
        {
            var expected = RowJson.Of(all.Columns[column.Index]);
            for (int row = 0; row < found.Count; row++)
            {
                string want = RowJson.Text(found[row]![$"c{column.Index}"]);
                string got = RowJson.Text(expected[row]);
                Assert.True(want == got, $"{name} row {row} {column}: DuckDB found {want}, we found {got}");
            }
        }
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
            var flat = Comparable(ParquetReader.Open(File.ReadAllBytes(path)).Schema);
            if (flat.Count > 0)
            {
                string list = string.Join(", ", flat.Select(column => $"{Select(column)} AS c{column.Index}"));
                queries.Add((name, $"SELECT {list} FROM '{path}'"));
            }
        }

        var answers = DuckDb.QueryPath("", [.. queries.Select(query => query.Sql)]);
        return queries.Zip(answers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }

    private static List<ColumnDescriptor> Comparable(ParquetSchema schema) =>
        [.. schema.Columns.Where(column => column.Path.Count == 1 && Select(column) is not null)];

    /// <summary>How to ask DuckDB for a column in the form that <see cref="RowJson"/> gives; null where there is none.</summary>
    private static string? Select(ColumnDescriptor column)
    {
        string name = $"\"{column.Path[0]}\"";
        return (column.PhysicalType, column.Node.LogicalType, column.Node.Repetition) switch
        {
            (_, _, Repetition.Repeated) => null,
            (PhysicalType.Int96, _, _) => null,
            (_, LogicalType.Unknown, _) => null,
            (PhysicalType.ByteArray, LogicalType.Decimal, _) => null,
            (PhysicalType.FixedLenByteArray, LogicalType.Decimal or LogicalType.Uuid, _) => name,
            (PhysicalType.FixedLenByteArray, LogicalType.Float16, _) => name,
            (PhysicalType.ByteArray, LogicalType.String, _) => name,
            (PhysicalType.ByteArray or PhysicalType.FixedLenByteArray, null, _) => $"hex({name})",
            (PhysicalType.Int32, LogicalType.Date, _) => $"({name} - DATE '1970-01-01')",
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Micros, _), _) => $"epoch_us({name})",
            (_, null or LogicalType.Decimal or LogicalType.Integer, _) => name,
            _ => null,
        };
    }

    private static TheoryData<string> Names(string folder)
    {
        string? path = SharedData.Find($"parquet-testing/{folder}");
        return path is null
            ? ["(absent)"]
            : [.. Directory.EnumerateFiles(path, "*.parquet").Select(file => Path.GetFileName(file)).Order()];
    }

    private static string PathOf(string folder, string name)
    {
        string? path = SharedData.Find($"parquet-testing/{folder}/{name}");
        Assert.SkipWhen(path is null, "shared/data/parquet-testing is absent");
        return path;
    }
}
