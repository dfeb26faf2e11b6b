using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Reading;

namespace OrleansLake.Parquet;

/// <summary>Reads a Parquet file into batches of rows. Believes nothing that the file says of lengths and counts.</summary>
/// <remarks>Not safe for concurrent use; several readers of the same file are.</remarks>
public sealed class ParquetReader
{
    private const int TailLength = 8;
    internal const int DefaultBatchRows = 8192;

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
        var tail = FetchedBytes.Fetch(source, [Tail(source, options)], 0);
        if (FooterRange(tail, options) is { } rest)
        {
            var footer = FetchedBytes.Fetch(source, [rest], 0);
            tail.Dispose();
            tail = footer;
        }

        return Open(source, tail, options);
    }

    /// <summary>Reads the footer without keeping a thread.</summary>
    public static async ValueTask<ParquetReader> OpenAsync(ByteSource source, ParquetReaderOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ParquetReaderOptions();
        var tail = await FetchedBytes.FetchAsync(source, [Tail(source, options)], 0, cancellationToken).ConfigureAwait(false);
        if (FooterRange(tail, options) is { } rest)
        {
            var footer = await FetchedBytes.FetchAsync(source, [rest], 0, cancellationToken).ConfigureAwait(false);
            tail.Dispose();
            tail = footer;
        }

        return Open(source, tail, options);
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
    public IEnumerable<ColumnBatch> Read(Func<ColumnDescriptor, bool> columns, int? rowGroup = null, int batchRows = DefaultBatchRows) =>
        Read(new RowSelection { Columns = columns, RowGroup = rowGroup, BatchRows = batchRows });

    /// <summary>
    /// Some rows, in their order. The rows of a batch follow one another from <see cref="ColumnBatch.FirstRow"/> on. Every batch
    /// is the same object: what it holds is gone when the next one is asked for.
    /// </summary>
    public IEnumerable<ColumnBatch> Read(RowSelection selection)
    {
        var projection = Check(selection);
        return ReadBatches(selection, projection);
    }

    /// <summary>
    /// The same from a source whose reads travel: what a row group needs is fetched with few requests (see
    /// <see cref="ByteSource.ReadAsync"/>), and only that is waited for.
    /// </summary>
    public IAsyncEnumerable<ColumnBatch> ReadAsync(RowSelection selection, CancellationToken cancellationToken = default)
    {
        var projection = Check(selection);
        return ReadBatchesAsync(selection, projection, cancellationToken);
    }

    /// <summary>Which rows <see cref="Read(RowSelection)"/> would give, without reading them.</summary>
    public IReadOnlyList<RowRange> Select(RowSelection selection)
    {
        Check(selection);
        var rows = new List<RowRange>();
        foreach (var index in RowGroups(selection))
        {
            foreach (var range in Select(index.Index, selection))
            {
                RowRange.Append(rows, range);
            }
        }

        return rows;
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

    private static ByteRange Tail(ByteSource source, ParquetReaderOptions options) => source.Length >= TailLength + 4
        ? new ByteRange(Math.Max(0, source.Length - Math.Max(options.TailBytes, TailLength)), source.Length)
        : throw new ParquetFormatException($"expected a Parquet file, got {source.Length} bytes");

    /// <summary>Where the footer and its length lie, where they are not in memory yet.</summary>
    private static ByteRange? FooterRange(ByteSource source, ParquetReaderOptions options)
    {
        var range = new ByteRange(source.Length - TailLength - FooterLength(source, options), source.Length);
        return source.Peek(range.Start).Length >= range.Length ? null : range;
    }

    private static long FooterLength(ByteSource source, ParquetReaderOptions options)
    {
        Span<byte> tail = stackalloc byte[TailLength];
        source.Read(source.Length - TailLength, tail);
        if (!tail[4..].SequenceEqual("PAR1"u8))
        {
            throw new ParquetFormatException(tail[4..].SequenceEqual("PARE"u8)
                ? "the file's footer is encrypted, which this library does not read"
                : "expected a Parquet file, but it does not end in PAR1");
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        return length <= source.Length - TailLength - 4 && length <= options.LargestFooterBytes
            ? length
            : throw new ParquetFormatException($"a footer of {length} bytes in a file of {source.Length}");
    }

    private static ParquetReader Open(ByteSource source, FetchedBytes tail, ParquetReaderOptions options)
    {
        long length = FooterLength(tail, options);
        var bytes = tail.Peek(source.Length - TailLength - length).Span;

        // Kept: of a small file, the tail is all there is to read.
        bool isInMemory = source.Peek(0).Length == source.Length;
        return new ParquetReader(isInMemory ? source : tail, FooterReader.Read(bytes[..(int)length]), options);
    }

    private Projection Check(RowSelection selection)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(selection.BatchRows, 1);
        if (selection.RowGroup is { } one && (one < 0 || one >= Footer.RowGroups.Count))
        {
            throw new ArgumentOutOfRangeException(nameof(selection), one, $"the file has {Footer.RowGroups.Count} row groups");
        }

        for (int i = 0; i < selection.Rows?.Count; i++)
        {
            if (selection.Rows[i].Count < 0 || selection.Rows[i].First < (i == 0 ? 0 : selection.Rows[i - 1].Next))
            {
                throw new ArgumentException($"expected ranges of rows in ascending order, got {selection.Rows[i]}", nameof(selection));
            }
        }

        return new Projection(Schema, selection.Columns ?? (_ => true));
    }

    private IEnumerable<(RowGroupIndex Index, RowGroup RowGroup)> RowGroups(RowSelection selection)
    {
        int padding = Padding(Footer.CreatedBy);
        long firstRow = 0;
        for (int g = 0; g < Footer.RowGroups.Count; g++)
        {
            if (selection.RowGroup is null || selection.RowGroup == g)
            {
                yield return (new RowGroupIndex(_source, Footer, g, firstRow, padding), Footer.RowGroups[g]);
            }

            firstRow += Footer.RowGroups[g].RowCount;
        }
    }

    private static List<RowRange> Select(RowGroupIndex index, RowSelection selection)
    {
        var rows = RowRange.Within(index.Rows, selection.Rows);
        return rows.Count == 0 || selection.Filter is not { } filter
            ? rows
            : index.MayMatchByStatistics(filter) && index.MayMatchByBloom(filter) ? index.Select(filter, rows) : [];
    }

    private IEnumerable<ColumnBatch> ReadBatches(RowSelection selection, Projection projection)
    {
        var memory = selection.Memory ?? new ReadMemory();
        var batch = memory.BatchOf(projection.Schema);
        foreach (var (index, rowGroup) in RowGroups(selection))
        {
            var rows = Select(index, selection);
            if (rows.Count == 0)
            {
                continue;
            }

            var sections = DataSections(index, projection, rows);
            bool isSmall = sections.Sum(section => section.Length) <= _options.FetchBytes;
            using var fetched = FetchedBytes.Fetch(_source, isSmall ? sections : [], _options.CoalesceBytes);
            using var reader = new RowGroupReader(fetched, index, rowGroup, projection, rows, memory, _options);
            while (reader.Read(batch, selection.BatchRows))
            {
                yield return batch;
            }
        }
    }

    private async IAsyncEnumerable<ColumnBatch> ReadBatchesAsync(
        RowSelection selection, Projection projection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var memory = selection.Memory ?? new ReadMemory();
        var batch = memory.BatchOf(projection.Schema);
        foreach (var (index, rowGroup) in RowGroups(selection))
        {
            var rows = RowRange.Within(index.Rows, selection.Rows);
            if (rows.Count == 0)
            {
                continue;
            }

            if (selection.Filter is { } filter && !index.MayMatchByStatistics(filter))
            {
                continue;
            }

            var indexes = index.IndexSections(selection, projection);
            using var bounds = await FetchedBytes.FetchAsync(_source, indexes, _options.CoalesceBytes, cancellationToken).ConfigureAwait(false);
            index.Source = bounds;
            rows = Select(index, selection);
            if (rows.Count == 0)
            {
                continue;
            }

            var sections = DataSections(index, projection, rows);
            using var fetched = await FetchedBytes.FetchAsync(_source, sections, _options.CoalesceBytes, cancellationToken).ConfigureAwait(false);
            using var reader = new RowGroupReader(fetched, index, rowGroup, projection, rows, memory, _options);
            while (reader.Read(batch, selection.BatchRows))
            {
                yield return batch;
            }
        }
    }

    private static List<ByteRange> DataSections(RowGroupIndex index, Projection projection, List<RowRange> rows)
    {
        var sections = new List<ByteRange>();
        foreach (var column in projection.FileColumns)
        {
            index.AddDataSections(column, rows, sections);
        }

        return sections;
    }
}
