using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>Turns batches of one file into batches of the scan's columns.</summary>
internal sealed class BatchProjection(LeafSource[] sources, ColumnBatch target, IReadOnlyList<int> fileLeaves)
{
    private readonly int[] _bufferOf = BufferOf(fileLeaves);
    private readonly bool[] _passes = Passes(sources);
    private readonly Dictionary<LeafSource.Variant, VariantReader> _variants = [];

    /// <summary>The columns of the file that have to be read.</summary>
    public static List<int> FileLeaves(IEnumerable<LeafSource> sources) => [.. sources.SelectMany(source => source.LeavesRead).Distinct().Order()];

    /// <summary>Fills the target with the rows of a batch, which hold the file's columns in the order of their numbers.</summary>
    /// <param name="batch">The rows; null where no column is read.</param>
    /// <param name="rows">How many.</param>
    /// <param name="position">Position of the first of them in the file.</param>
    public void Fill(ColumnBatch? batch, int rows, long position)
    {
        target.Clear();
        for (int i = 0; i < sources.Length; i++)
        {
            var to = target.Columns[i];
            switch (sources[i])
            {
                case LeafSource.Column column:
                    var from = batch!.Columns[_bufferOf[column.FileLeaf]];
                    if (_passes[i] && to.CanExchange(from.Column))
                    {
                        // The reader fills what it gets in exchange with its next batch.
                        to.Exchange(from);
                    }
                    else
                    {
                        Copy(column, from, to);
                    }

                    break;
                case LeafSource.Constant { Guide: { } guide } constant:
                    FillByGuide(constant, batch!.Columns[_bufferOf[guide]], to);
                    break;
                case LeafSource.Constant constant:
                    Fill(to, rows, constant.Levels[0], constant.Value);
                    break;
                case LeafSource.Variant variant:
                    FillVariant(variant, batch!, to, target.Columns[i + 1]);
                    break;
                case LeafSource.Position:
                    to.Reserve(rows);
                    for (int row = 0; row < rows; row++)
                    {
                        to.Longs[row] = position + row;
                    }

                    to.SlotCount = to.ValueCount = rows;
                    break;
                case LeafSource.Lineage lineage:
                    FillLineage(lineage, lineage.FileLeaf is { } leaf ? batch!.Columns[_bufferOf[leaf]] : null, to, rows, position);
                    break;
            }
        }

        target.RowCount = rows;
    }

    /// <summary>Which columns are as the file has them, and asked for nowhere else.</summary>
    private static bool[] Passes(LeafSource[] sources)
    {
        var uses = sources.SelectMany(source => source.LeavesRead).CountBy(leaf => leaf).ToDictionary();
        return [.. sources.Select(source => source is LeafSource.Column { Convert: null } column && uses[column.FileLeaf] == 1 && column.Levels.Select((level, i) => level == i).All(same => same))];
    }

    private static int[] BufferOf(IReadOnlyList<int> fileLeaves)
    {
        var map = new int[fileLeaves.Count == 0 ? 0 : fileLeaves.Max() + 1];
        for (int i = 0; i < fileLeaves.Count; i++)
        {
            map[fileLeaves[i]] = i;
        }

        return map;
    }

    private static void Copy(LeafSource.Column column, ColumnBuffer from, ColumnBuffer to)
    {
        int slots = from.SlotCount;
        to.Reserve(slots);
        if (from.Column.MaxRepetitionLevel > 0)
        {
            from.RepetitionLevels.AsSpan(0, slots).CopyTo(to.RepetitionLevels);
        }

        WriteLevels(column.Levels, from, to, slots);
        to.SlotCount = slots;
        if (column.Convert is { } convert)
        {
            convert(from, to);
        }
        else
        {
            LeafConversion.Copy(from, to);
        }
    }

    private static void WriteLevels(byte[] levels, ColumnBuffer from, ColumnBuffer to, int slots)
    {
        if (from.Column.MaxDefinitionLevel == 0)
        {
            if (to.Column.MaxDefinitionLevel > 0)
            {
                to.DefinitionLevels.AsSpan(0, slots).Fill(levels[^1]);
            }

            return;
        }

        bool same = true, allowed = true;
        for (int i = 0; i < levels.Length; i++)
        {
            same &= levels[i] == i;
            allowed &= levels[i] != LeafSource.Forbidden;
        }

        var source = from.DefinitionLevels.AsSpan(0, slots);
        if (!allowed)
        {
            for (int level = 0; level < levels.Length; level++)
            {
                if (levels[level] == LeafSource.Forbidden && source.Contains((byte)level))
                {
                    throw new InvalidDataException($"column {to.Column}: expected values, since the table requires them, got null");
                }
            }
        }

        if (to.Column.MaxDefinitionLevel == 0)
        {
            return;
        }

        if (same)
        {
            source.CopyTo(to.DefinitionLevels);
            return;
        }

        for (int i = 0; i < slots; i++)
        {
            to.DefinitionLevels[i] = levels[source[i]];
        }
    }

    private static void Fill(ColumnBuffer to, int slots, byte level, object? value)
    {
        to.Reserve(slots);
        if (to.Column.MaxDefinitionLevel > 0)
        {
            to.DefinitionLevels.AsSpan(0, slots).Fill(level);
        }

        if (to.Column.MaxRepetitionLevel > 0)
        {
            to.RepetitionLevels.AsSpan(0, slots).Clear();
        }

        to.SlotCount = slots;
        if (value is not null)
        {
            LeafConversion.Repeat(value, to, slots);
        }
    }

    private static void FillByGuide(LeafSource.Constant constant, ColumnBuffer guide, ColumnBuffer to)
    {
        to.Reserve(guide.SlotCount);
        int top = constant.Levels.Length - 1;
        int slots = 0, values = 0;
        for (int i = 0; i < guide.SlotCount; i++)
        {
            int repetition = guide.Column.MaxRepetitionLevel == 0 ? 0 : guide.RepetitionLevels[i];
            if (repetition > constant.GuideRepetition)
            {
                continue;
            }

            int definition = guide.Column.MaxDefinitionLevel == 0 ? 0 : guide.DefinitionLevels[i];
            byte level = constant.Levels[Math.Min(definition, top)];
            if (level == LeafSource.Forbidden)
            {
                throw new InvalidDataException($"column {to.Column}: expected values, since the table requires them, got null");
            }

            if (to.Column.MaxDefinitionLevel > 0)
            {
                to.DefinitionLevels[slots] = level;
            }

            if (to.Column.MaxRepetitionLevel > 0)
            {
                to.RepetitionLevels[slots] = (byte)repetition;
            }

            slots++;
            values += level == to.Column.MaxDefinitionLevel ? 1 : 0;
        }

        to.SlotCount = slots;
        if (constant.Value is { } value)
        {
            LeafConversion.Repeat(value, to, values);
        }
    }

    private void FillVariant(LeafSource.Variant variant, ColumnBatch batch, ColumnBuffer metadata, ColumnBuffer value)
    {
        var from = batch.Columns[_bufferOf[variant.MetadataLeaf]];
        if (!_variants.TryGetValue(variant, out var reader))
        {
            _variants[variant] = reader = new VariantReader(batch.Schema, [.. from.Column.Path.SkipLast(1)]);
        }

        int slots = from.SlotCount;
        foreach (var to in new[] { metadata, value })
        {
            to.Reserve(slots);
            if (from.Column.MaxRepetitionLevel > 0)
            {
                from.RepetitionLevels.AsSpan(0, slots).CopyTo(to.RepetitionLevels);
            }

            WriteLevels(variant.Levels, from, to, slots);
            to.SlotCount = slots;
        }

        reader.Attach(batch);
        while (reader.Read())
        {
            if (!reader.IsNull)
            {
                LeafConversion.Append(metadata, reader.Current.Metadata);
                LeafConversion.Append(value, reader.Current.Value);
            }
        }
    }

    private static void FillLineage(LeafSource.Lineage lineage, ColumnBuffer? stored, ColumnBuffer to, int rows, long position)
    {
        to.Reserve(rows);
        int read = 0;
        for (int row = 0; row < rows; row++)
        {
            bool isStored = stored is not null && (stored.Column.MaxDefinitionLevel == 0 || stored.DefinitionLevels[row] == stored.Column.MaxDefinitionLevel);
            long? value = isStored ? stored!.Longs[read++] : lineage.First + (lineage.Step * (position + row));
            to.DefinitionLevels[row] = value is null ? (byte)0 : (byte)1;
            if (value is { } number)
            {
                to.Longs[to.ValueCount++] = number;
            }
        }

        to.SlotCount = rows;
    }
}
