using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>The open files of one writer: one for each table partition that its rows are in.</summary>
internal sealed class OpenFiles : IAsyncDisposable
{
    private const int FilesCompletedTogether = 8;

    private readonly WritePlan _plan;
    private readonly IObjectStore _store;
    private readonly string _filePrefix;
    private readonly PartitionCodes[] _fields;
    private readonly PairCodes[] _pairs;
    private readonly List<int> _fileOfCode = [];
    private readonly List<DataFileWriter> _files = [];
    private readonly RowGather _gather;
    private int[] _codes = [];
    private int[] _fieldCodes = [];
    private int[] _order = [];
    private int[] _counts = [];
    private int _fileCount;

    /// <summary>No files yet. <paramref name="filePrefix"/>: how their names begin.</summary>
    public OpenFiles(WritePlan plan, IObjectStore store, string filePrefix)
    {
        _plan = plan;
        _store = store;
        _filePrefix = filePrefix;
        _fields = [.. plan.Spec.Fields.Select(field => PartitionCodes.Of(field, plan.Schema, plan.Columns))];
        _pairs = [.. _fields.Skip(1).Select(_ => new PairCodes())];
        _gather = new RowGather(plan.Columns);
    }

    /// <summary>Memory that all of them hold.</summary>
    public long BufferedBytes
    {
        get
        {
            long bytes = 0;
            foreach (var file in _files)
            {
                bytes += file.BufferedBytes;
            }

            return bytes;
        }
    }

    /// <summary>Bytes that the largest would have if it were closed now.</summary>
    public long LargestFileBytes
    {
        get
        {
            long bytes = 0;
            foreach (var file in _files)
            {
                bytes = Math.Max(bytes, file.FileSizeBytes);
            }

            return bytes;
        }
    }

    /// <summary>Appends every row to the file of its partition.</summary>
    public void Append(ColumnBatch batch)
    {
        int rows = batch.RowCount;
        if (rows == 0)
        {
            return;
        }

        int runs = FindPartitions(batch);
        if (runs > 1 && runs > rows / 8)
        {
            AppendSorted(batch);
            return;
        }

        for (int first = 0; first < rows;)
        {
            int next = first + 1;
            if (runs == 1)
            {
                next = rows;
            }
            else
            {
                while (next < rows && _codes[next] == _codes[first])
                {
                    next++;
                }
            }

            _files[_codes[first]].Append(batch, first, next - first);
            first = next;
        }
    }

    /// <summary>Closes all of them: durable when this returns.</summary>
    public async Task<IReadOnlyList<DataFile>> CompleteAsync(CancellationToken cancellationToken)
    {
        // Encoding is work for this thread; making durable is waiting, and can be done for several at once.
        foreach (var file in _files)
        {
            file.Finish();
        }

        var described = new IReadOnlyList<DataFile>[_files.Count];
        await Parallel.ForAsync(
            0,
            _files.Count,
            new ParallelOptions { MaxDegreeOfParallelism = FilesCompletedTogether, CancellationToken = cancellationToken },
            async (i, token) => described[i] = await _files[i].CompleteAsync(token).ConfigureAwait(false)).ConfigureAwait(false);
        return [.. described.SelectMany(files => files)];
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var file in _files)
        {
            await file.DisposeAsync().ConfigureAwait(false);
        }

        _files.Clear();
    }

    /// <summary>Fills the file index of each row and returns how many runs of equal ones there are.</summary>
    private int FindPartitions(ColumnBatch batch)
    {
        int rows = batch.RowCount;
        if (_codes.Length < rows)
        {
            (_codes, _fieldCodes, _order) = (new int[rows], new int[rows], new int[rows]);
        }

        var codes = _codes.AsSpan(0, rows);
        if (_fields.Length == 0)
        {
            codes[0] = FileOf(0);
            return 1;
        }

        _fields[0].Assign(batch, codes);
        var next = _fieldCodes.AsSpan(0, rows);
        for (int field = 1; field < _fields.Length; field++)
        {
            _fields[field].Assign(batch, next);
            _pairs[field - 1].Assign(codes, next);
        }

        int runs = 0;
        int last = -1;
        int file = -1;
        foreach (ref int code in codes)
        {
            if (code != last)
            {
                last = code;
                file = FileOf(code);
                runs++;
            }

            code = file;
        }

        return runs;
    }

    /// <summary>Appends rows that lie scattered over partitions: brought into runs first, in their order within each.</summary>
    private void AppendSorted(ColumnBatch batch)
    {
        int rows = batch.RowCount;
        if (_counts.Length <= _files.Count)
        {
            _counts = new int[(_files.Count + 1) * 2];
        }

        var starts = _counts.AsSpan(0, _files.Count + 1);
        starts.Clear();
        foreach (int file in _codes.AsSpan(0, rows))
        {
            starts[file + 1]++;
        }

        for (int file = 0; file < _files.Count; file++)
        {
            starts[file + 1] += starts[file];
        }

        for (int row = 0; row < rows; row++)
        {
            _order[starts[_codes[row]]++] = row;
        }

        _gather.Gather(batch, _order.AsSpan(0, rows));
        for (int file = 0, first = 0; file < _files.Count; file++)
        {
            // Each start has moved on to its end.
            if (starts[file] > first)
            {
                _files[file].Append(_gather.Rows, first, starts[file] - first);
                first = starts[file];
            }
        }
    }

    private int FileOf(int code)
    {
        while (_fileOfCode.Count <= code)
        {
            _fileOfCode.Add(-1);
        }

        if (_fileOfCode[code] < 0)
        {
            _fileOfCode[code] = _files.Count;
            _files.Add(Begin(KeyOf(code)));
        }

        return _fileOfCode[code];
    }

    private PartitionKey KeyOf(int code)
    {
        object?[] values = new object?[_fields.Length];
        for (int field = _fields.Length - 1; field > 0; field--)
        {
            (code, int own) = _pairs[field - 1].Parts(code);
            values[field] = _fields[field].ValueOf(own);
        }

        if (values.Length == 0)
        {
            return PartitionKey.None;
        }

        values[0] = _fields[0].ValueOf(code);
        return new PartitionKey(values);
    }

    private DataFileWriter Begin(PartitionKey key)
    {
        string path = PartitionPath.Of(_plan.Spec, _plan.Schema, key);
        return new DataFileWriter(_plan, _store, key, () => _plan.Locations.Of(path, string.Create(CultureInfo.InvariantCulture, $"{_filePrefix}-{++_fileCount:D5}.parquet")));
    }

    /// <summary>Two codes to one: what the fields so far and the next one say together.</summary>
    private sealed class PairCodes
    {
        private readonly Dictionary<(int, int), int> _codes = [];
        private readonly List<(int, int)> _pairs = [];

        public (int First, int Second) Parts(int code) => _pairs[code];

        public void Assign(Span<int> codes, ReadOnlySpan<int> next)
        {
            var last = (-1, -1);
            int code = -1;
            for (int row = 0; row < codes.Length; row++)
            {
                var pair = (codes[row], next[row]);
                if (pair != last)
                {
                    last = pair;
                    if (!_codes.TryGetValue(pair, out code))
                    {
                        code = _pairs.Count;
                        _pairs.Add(pair);
                        _codes.Add(pair, code);
                    }
                }

                codes[row] = code;
            }
        }
    }
}
