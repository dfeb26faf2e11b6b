using System.Buffers.Binary;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Reading;

namespace OrleansLake.Parquet;

/// <summary>Reads a Parquet file into batches of rows. Believes nothing that the file says of lengths and counts.</summary>
/// <remarks>Not safe for concurrent use; several readers of the same file are.</remarks>
public sealed class ParquetReader
{
    private const int TailLength = 8;
    private const int DefaultBatchRows = 8192;

    private readonly ByteSource _source;
    private readonly ParquetReaderOptions _options;

    private ParquetReader(ByteSource source, Footer footer, ParquetReaderOptions options)
    {
        _source = source;
        _options = options;
        Footer = footer;
    }

    /// <summary>What the end of the file says of the rest.</summary>
    public Footer Footer { get; }

    /// <summary>The fields and their columns.</summary>
    public ParquetSchema Schema => Footer.Schema;

    /// <summary>Rows in all row groups.</summary>
    public long RowCount => Footer.RowCount;

    /// <summary>Reads the footer.</summary>
    public static ParquetReader Open(ByteSource source, ParquetReaderOptions? options = null)
    {
        options ??= new ParquetReaderOptions();
        if (source.Length < TailLength + 4)
        {
            throw new ParquetFormatException($"expected a Parquet file, got {source.Length} bytes");
        }

        Span<byte> tail = stackalloc byte[TailLength];
        source.Read(source.Length - TailLength, tail);
        if (!tail[4..].SequenceEqual("PAR1"u8))
        {
            throw new ParquetFormatException(tail[4..].SequenceEqual("PARE"u8)
                ? "the file's footer is encrypted, which this library does not read"
                : "expected a Parquet file, but it does not end in PAR1");
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (length > source.Length - TailLength - 4 || length > options.LargestFooterBytes)
        {
            throw new ParquetFormatException($"a footer of {length} bytes in a file of {source.Length}");
        }

        var bytes = new byte[length];
        source.Read(source.Length - TailLength - length, bytes);
        return new ParquetReader(source, FooterReader.Read(bytes), options);
    }

    /// <inheritdoc cref="Open(ByteSource, ParquetReaderOptions?)" />
    public static ParquetReader Open(Stream stream, ParquetReaderOptions? options = null) => Open(ByteSource.From(stream), options);

    /// <inheritdoc cref="Open(ByteSource, ParquetReaderOptions?)" />
    public static ParquetReader Open(byte[] bytes, ParquetReaderOptions? options = null) => Open(ByteSource.From(bytes), options);

    /// <summary>
    /// The rows of all row groups, or of one, in their order. Every batch is the same object: what it holds is gone when the
    /// next one is asked for.
    /// </summary>
    /// <param name="columns">
    /// Which columns: each path that equals one of these or lies below it, such as <c>a</c> or <c>a.list</c>; null for all.
    /// </param>
    /// <param name="rowGroup">The number of one row group, null for all.</param>
    /// <param name="batchRows">Rows a batch at most.</param>
    public IEnumerable<ColumnBatch> Read(IReadOnlyList<string>? columns = null, int? rowGroup = null, int batchRows = DefaultBatchRows)
    {
        var unknown = columns?.Where(name => !Schema.Columns.Any(column => IsBelow(column, name))).ToList();
        return unknown is { Count: > 0 }
            ? throw new ArgumentException($"the file has no column {string.Join(", ", unknown)}", nameof(columns))
            : Read(column => columns is null || columns.Any(name => IsBelow(column, name)), rowGroup, batchRows);
    }

    /// <inheritdoc cref="Read(IReadOnlyList{string}?, int?, int)" />
    public IEnumerable<ColumnBatch> Read(Func<ColumnDescriptor, bool> columns, int? rowGroup = null, int batchRows = DefaultBatchRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchRows, 1);
        if (rowGroup is { } one && (one < 0 || one >= Footer.RowGroups.Count))
        {
            throw new ArgumentOutOfRangeException(nameof(rowGroup), one, $"the file has {Footer.RowGroups.Count} row groups");
        }

        var projection = new Projection(Schema, columns);
        return ReadBatches(projection, rowGroup, batchRows);
    }

    /// <summary>
    /// parquet-mr before 1.2.9 left the header of the dictionary page out of a chunk's size.
    /// https://issues.apache.org/jira/browse/PARQUET-816
    /// </summary>
    private static int Padding(string? createdBy)
    {
        const int longestHeader = 100;
        const string writer = "parquet-mr";
        if (createdBy is null || !createdBy.StartsWith(writer, StringComparison.Ordinal))
        {
            return 0;
        }

        string[] words = createdBy.Split(' ');
        return words.Length < 3 || (Version.TryParse(words[2].Split('-')[0], out var version) && version < new Version(1, 2, 9))
            ? longestHeader
            : 0;
    }

    private static bool IsBelow(ColumnDescriptor column, string name)
    {
        string path = column.ToString();
        return path.Equals(name, StringComparison.Ordinal)
            || (path.StartsWith(name, StringComparison.Ordinal) && path[name.Length] == '.');
    }

    private IEnumerable<ColumnBatch> ReadBatches(Projection projection, int? rowGroup, int batchRows)
    {
        var batch = new ColumnBatch(projection.Schema);
        int first = rowGroup ?? 0;
        int end = rowGroup is { } one ? one + 1 : Footer.RowGroups.Count;
        for (int g = first; g < end; g++)
        {
            using var reader = new RowGroupReader(_source, Footer.RowGroups[g], g, projection, Padding(Footer.CreatedBy), _options);
            while (reader.Read(batch, batchRows))
            {
                yield return batch;
            }
        }
    }
}
