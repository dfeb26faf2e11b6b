using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Tests;

/// <summary>Writing and reading whole files in memory.</summary>
internal static class Files
{
    public static byte[] Write(ColumnBatch batch, ParquetWriterOptions options) => Write(batch, options, out _);

    public static byte[] Write(ColumnBatch batch, ParquetWriterOptions options, out ParquetFile file, int step = int.MaxValue)
    {
        var stream = new MemoryStream();
        using var writer = new ParquetWriter(new ForwardOnlyStream(stream), batch.Schema, options);
        for (int row = 0; row < batch.RowCount; row += Math.Min(step, batch.RowCount - row))
        {
            writer.Append(batch, row, Math.Min(step, batch.RowCount - row));
        }

        file = writer.Close();
        Assert.Equal(stream.Length, file.FileSizeBytes);
        Assert.Equal(batch.RowCount, file.RowCount);
        return stream.ToArray();
    }

    public static ColumnBatch ReadAll(byte[] bytes, int batchRows = 777) => Gather(ParquetReader.Open(bytes), batchRows);

    public static ColumnBatch Gather(ParquetReader reader, int batchRows = 777)
    {
        var all = new ColumnBatch(reader.Schema);
        foreach (var batch in reader.Read(batchRows: batchRows))
        {
            Append(all, batch);
        }

        return all;
    }

    public static void Append(ColumnBatch all, ColumnBatch batch)
    {
        for (int i = 0; i < all.Columns.Length; i++)
        {
            var column = batch.Columns[i];
            all.Columns[i].AppendSlots(column, default, new RowPosition(batch.RowCount, column.SlotCount, column.ValueCount));
        }

        all.RowCount += batch.RowCount;
    }

    public static void AssertEqual(ColumnBatch expected, ColumnBatch actual)
    {
        Assert.Equal(expected.RowCount, actual.RowCount);
        Assert.Equal(expected.Columns.Length, actual.Columns.Length);
        for (int i = 0; i < expected.Columns.Length; i++)
        {
            AssertEqual(expected.Columns[i], actual.Columns[i]);
        }
    }

    public static void AssertEqual(ColumnBuffer expected, ColumnBuffer actual)
    {
        var column = expected.Column;
        Assert.Equal(expected.SlotCount, actual.SlotCount);
        Assert.Equal(expected.ValueCount, actual.ValueCount);
        if (column.MaxDefinitionLevel > 0)
        {
            AssertSame<byte>(expected.DefinitionLevels.AsSpan(0, expected.SlotCount), actual.DefinitionLevels.AsSpan(0, actual.SlotCount));
        }

        if (column.MaxRepetitionLevel > 0)
        {
            AssertSame<byte>(expected.RepetitionLevels.AsSpan(0, expected.SlotCount), actual.RepetitionLevels.AsSpan(0, actual.SlotCount));
        }

        int count = expected.ValueCount;
        switch (column.PhysicalType)
        {
            case PhysicalType.Int32:
                AssertSame<int>(expected.Ints.AsSpan(0, count), actual.Ints.AsSpan(0, count));
                break;
            case PhysicalType.Int64:
                AssertSame<long>(expected.Longs.AsSpan(0, count), actual.Longs.AsSpan(0, count));
                break;
            case PhysicalType.Float:
                // Bits, so that NaN equals NaN and -0 differs from +0.
                AssertSame(MemoryMarshal.Cast<float, int>(expected.Floats.AsSpan(0, count)), MemoryMarshal.Cast<float, int>(actual.Floats.AsSpan(0, count)));
                break;
            case PhysicalType.Double:
                AssertSame(MemoryMarshal.Cast<double, long>(expected.Doubles.AsSpan(0, count)), MemoryMarshal.Cast<double, long>(actual.Doubles.AsSpan(0, count)));
                break;
            case PhysicalType.ByteArray:
                AssertSame<int>(expected.Offsets.AsSpan(0, count + 1), actual.Offsets.AsSpan(0, count + 1));
                AssertSame<byte>(expected.Bytes.AsSpan(0, expected.Offsets[count]), actual.Bytes.AsSpan(0, expected.Offsets[count]));
                break;
            default:
                int bytes = count * expected.ValueWidth;
                AssertSame<byte>(expected.Bytes.AsSpan(0, bytes), actual.Bytes.AsSpan(0, bytes));
                break;
        }
    }

    private static void AssertSame<T>(Span<T> expected, Span<T> actual)
        where T : unmanaged, IEquatable<T>
    {
        int same = expected.CommonPrefixLength(actual);
        Assert.True(same == expected.Length && same == actual.Length, $"differs from {same} on");
    }

    /// <summary>A stream as an object store's upload is one: it only goes forward.</summary>
    private sealed class ForwardOnlyStream(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }
}
