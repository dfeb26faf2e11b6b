using OrleansLake.Parquet;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Benchmarks.Encode;

/// <summary>Encodes the same batches again and again, whole or one stage of it.</summary>
internal sealed class EncodeStages(List<ColumnBatch> batches, ParquetSchema schema)
{
    private readonly int _rows = batches.Sum(batch => batch.RowCount);

    /// <summary>All of it, by a writer that is opened again for each file.</summary>
    public Figure Whole(string what, ParquetWriterOptions options, int rounds)
    {
        using var writer = new ParquetWriter(Stream.Null, schema, options);
        writer.Close();
        long bytes = 0;
        var (time, allocated) = Best(rounds, () =>
        {
            writer.Reopen(Stream.Null);
            foreach (var batch in batches)
            {
                writer.Append(batch);
            }

            bytes = writer.Close().FileSizeBytes;
        });
        return new Figure(what, time, allocated, bytes);
    }

    /// <summary>One column as a file of its own, without and with compression.</summary>
    public IEnumerable<Figure> Column(int index, ParquetWriterOptions options, int rounds)
    {
        var column = schema.Columns[index];
        var parts = batches.ConvertAll(batch => Alone(batch, index));
        var alone = new EncodeStages(parts, parts[0].Schema);
        yield return alone.Whole($"{column}, no zstd", options with { Compression = CompressionCodec.Uncompressed }, rounds);
        yield return alone.Whole($"{column}, zstd 1", options with { CompressionLevel = 1 }, rounds);
    }

    /// <summary>Dictionaries of byte arrays alone, as long as they pay.</summary>
    public Figure LookUps(int rounds)
    {
        int[] indices = new int[batches.Max(batch => batch.Columns.ToArray().Max(column => column.SlotCount))];
        var dictionaries = schema.Columns.Select(_ => new ByteArrayDictionary(lengthPrefixed: true)).ToArray();
        bool[] given = new bool[dictionaries.Length];
        var (time, _) = Best(rounds, () =>
        {
            for (int i = 0; i < dictionaries.Length; i++)
            {
                dictionaries[i].Clear();
                given[i] = schema.Columns[i].PhysicalType != PhysicalType.ByteArray;
            }

            foreach (var batch in batches)
            {
                for (int i = 0; i < dictionaries.Length; i++)
                {
                    var column = batch.Columns[i];
                    int count = column.ValueCount;
                    if (!given[i])
                    {
                        int before = dictionaries[i].Count;
                        given[i] = dictionaries[i].LookUp(column.Bytes, column.Offsets.AsSpan(0, count + 1), indices.AsSpan(0, count), before + count / 2 + 1, 1 << 20) < count;
                    }
                }
            }
        });
        return new Figure("look-ups in dictionaries of byte arrays", time, 0, 0);
    }

    /// <summary>Definition and repetition levels alone.</summary>
    public Figure Levels(int rounds)
    {
        var page = new ByteBuffer();
        var (time, _) = Best(rounds, () =>
        {
            foreach (var batch in batches)
            {
                foreach (var column in batch.Columns)
                {
                    page.Clear();
                    if (column.Column.MaxDefinitionLevel > 0)
                    {
                        RleEncoder.Encode(column.DefinitionLevels.AsSpan(0, column.SlotCount), RleEncoder.BitWidth(column.Column.MaxDefinitionLevel), page);
                    }

                    if (column.Column.MaxRepetitionLevel > 0)
                    {
                        RleEncoder.Encode(column.RepetitionLevels.AsSpan(0, column.SlotCount), RleEncoder.BitWidth(column.Column.MaxRepetitionLevel), page);
                    }
                }
            }
        });
        return new Figure("levels", time, 0, 0);
    }

    /// <summary>Bounds of every value.</summary>
    public Figure Bounds(int rounds)
    {
        int found = 0;
        var (time, _) = Best(rounds, () =>
        {
            foreach (var batch in batches)
            {
                foreach (var column in batch.Columns)
                {
                    found += PageBounds.Of(ValueOrders.Of(column.Column), column, 0, column.ValueCount).Min is null ? 0 : 1;
                }
            }
        });
        return found > 0 ? new Figure("bounds of all values", time, 0, 0) : throw new InvalidDataException("no bounds");
    }

    private static ColumnBatch Alone(ColumnBatch batch, int index)
    {
        ParquetNode node = batch.Columns[index].Column.Node;
        var column = batch.Columns[index].Column;
        for (int depth = column.Path.Count - 2; depth >= 0; depth--)
        {
            var path = column.Path.Take(depth + 1).ToList();
            node = Find(batch.Schema.Fields, path) with { Children = [node] };
        }

        var alone = new ColumnBatch(new ParquetSchema([node])) { RowCount = batch.RowCount };
        var source = batch.Columns[index];
        alone.Columns[0].AppendSlots(source, default, new RowPosition(batch.RowCount, source.SlotCount, source.ValueCount));
        return alone;
    }

    private static ParquetNode.Group Find(IReadOnlyList<ParquetNode> fields, List<string> path)
    {
        var node = fields.Single(field => field.Name == path[0]);
        return path.Count == 1 ? (ParquetNode.Group)node : Find(((ParquetNode.Group)node).Children, path[1..]);
    }

    private (double Nanoseconds, double Allocated) Best(int rounds, Action action)
    {
        double best = double.MaxValue, allocated = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            // What the process took of its core, not what the clock says: other programs may run beside it.
            long before = GC.GetAllocatedBytesForCurrentThread();
            var start = Environment.CpuUsage.TotalTime;
            action();
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / _rows);
            allocated = Math.Min(allocated, (double)(GC.GetAllocatedBytesForCurrentThread() - before) / _rows);
        }

        return (best, allocated);
    }
}
