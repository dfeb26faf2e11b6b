using OrleansLake.Parquet;

namespace OrleansLake.Testing;

/// <summary>
/// Changes bytes of Parquet files and reads them in every way there is: a <see cref="ParquetFormatException"/> at worst, soon,
/// and without much memory. Everything follows from the seed.
/// </summary>
internal sealed class ParquetFuzz(IReadOnlyList<(string Name, byte[] Bytes)> files)
{
    private const long MostRows = 100_000;

    private static readonly ParquetReaderOptions Limits = new()
    {
        VerifyChecksums = false,
        LargestPageBytes = 8 << 20,
        LargestBatchSlots = 1 << 19,
        LargestFooterBytes = 8 << 20,
        FetchBytes = 1 << 20,
    };

    /// <summary>Files that were still read to their end.</summary>
    public int Survived { get; private set; }

    /// <summary>Files that were refused.</summary>
    public int Refused { get; private set; }

    /// <summary>The longest that one file took.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>The most that one file made the reader allocate.</summary>
    public long MostAllocatedBytes { get; private set; }

    /// <summary>One changed file; what went wrong, or null.</summary>
    public string? Run(int seed)
    {
        var random = new Random(seed);
        var (name, original) = files[random.Next(files.Count)];
        byte[] changed = Change(original, random);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        var begun = Environment.CpuUsage.TotalTime;
        try
        {
            ReadAll(changed, random);
            Survived++;
        }
        catch (ParquetFormatException)
        {
            Refused++;
        }
        catch (Exception e)
        {
            return $"seed {seed}, {name}: {e}";
        }

        var took = Environment.CpuUsage.TotalTime - begun;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Longest = took > Longest ? took : Longest;
        MostAllocatedBytes = Math.Max(MostAllocatedBytes, allocated);
        return took > TimeSpan.FromSeconds(10) ? $"seed {seed}, {name}: {took.TotalSeconds:F1} s"
            : allocated > 512 << 20 ? $"seed {seed}, {name}: {allocated >> 20} MB allocated"
            : null;
    }

    private byte[] Change(byte[] original, Random random)
    {
        byte[] changed = [.. original];
        int footer = Math.Max(4, changed.Length - 8 - (int)Math.Min(changed.Length - 12, BitConverter.ToUInt32(changed, changed.Length - 8)));
        for (int times = random.Next(1, 5); times > 0; times--)
        {
            // Half of the changes in the footer, which says where everything else lies.
            int at = random.Next(2) == 0 ? random.Next(changed.Length) : random.Next(footer, changed.Length);
            switch (random.Next(8))
            {
                case 0:
                    changed[at] = 0xFF;
                    break;
                case 1:
                    changed[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    changed[at] = (byte)random.Next(256);
                    break;
                case 3: // a long varint
                    for (int i = 0; i < 9 && at + i < changed.Length; i++)
                    {
                        changed[at + i] = (byte)(i < 8 ? 0x80 | random.Next(128) : random.Next(128));
                    }

                    break;
                case 4: // a piece of this or another file
                    var (_, other) = files[random.Next(files.Count)];
                    int length = Math.Min(random.Next(1, 64), Math.Min(other.Length, changed.Length - at));
                    other.AsSpan(random.Next(other.Length - length + 1), length).CopyTo(changed.AsSpan(at));
                    break;
                case 5:
                    changed.AsSpan(at, Math.Min(random.Next(1, 32), changed.Length - at)).Clear();
                    break;
                case 6: // bytes taken out
                    int gone = Math.Min(random.Next(1, 16), changed.Length - at);
                    changed = [.. changed[..at], .. changed[(at + gone)..]];
                    break;
                default: // a small number one up or down
                    changed[at] += (byte)(random.Next(2) == 0 ? 1 : 255);
                    break;
            }

            if (changed.Length < 16)
            {
                return changed;
            }

            footer = Math.Min(footer, changed.Length - 1);
        }

        return changed;
    }

    private static void ReadAll(byte[] file, Random random)
    {
        ByteSource source = random.Next(2) == 0 ? ByteSource.From(file) : ByteSource.From(new MemoryStream(file));
        var reader = ParquetReader.Open(source, Limits);
        var variants = reader.Schema.Fields.OfType<ParquetNode.Group>()
            .Where(group => group.Children.Any(child => child.Name == "metadata"))
            .Select(group => new VariantReader(reader.Schema, group.Name))
            .ToList();
        Take(reader.Read(new RowSelection { BatchRows = random.Next(1, 5000) }), variants);
        if (reader.Schema.Columns.Count == 0)
        {
            return;
        }

        var column = reader.Schema.Columns[random.Next(reader.Schema.Columns.Count)];
        var filter = RowFilter.Or(RowFilter.IsNull(column), RowFilter.AnyOf(column, Value(column, random)), RowFilter.Between(column, Value(column, random), null));
        Take(reader.Read(new RowSelection { Filter = filter }), []);
        long rows = Math.Max(1, reader.Footer.RowGroups.Sum(group => Math.Min(group.RowCount, MostRows)));
        long first = random.NextInt64(rows);
        Take(reader.Read(new RowSelection { Rows = [new RowRange(first, first + 1), new RowRange(first + 3, first + random.Next(4, 200))], Filter = filter }), []);
    }

    private static void Take(IEnumerable<ColumnBatch> batches, List<VariantReader> variants)
    {
        long rows = 0;
        foreach (var batch in batches)
        {
            foreach (var variant in variants)
            {
                variant.Attach(batch);
                while (variant.Read())
                {
                    if (!variant.IsNull)
                    {
                        variant.Current.Validate();
                        VariantJson.Text(variant.Current);
                    }
                }
            }

            rows += batch.RowCount;
            if (rows > MostRows)
            {
                return; // a changed count of rows, all null: legal, and without end
            }
        }
    }

    private static byte[] Value(ColumnDescriptor column, Random random)
    {
        byte[] value = new byte[column.PhysicalType switch
        {
            PhysicalType.Boolean => 1,
            PhysicalType.Int32 or PhysicalType.Float => 4,
            PhysicalType.Int64 or PhysicalType.Double => 8,
            PhysicalType.Int96 => 12,
            PhysicalType.FixedLenByteArray => column.TypeLength,
            _ => random.Next(5),
        }];
        random.NextBytes(value);
        return value;
    }
}
