namespace OrleansLake.Ingest.Pump;

/// <summary>
/// Bytes that all pumps of a silo may hold in open files. Above three quarters the largest are asked to flush until the rest
/// would fit in half; at the limit everyone pauses, and goes on below three quarters.
/// </summary>
public sealed class MemoryBudget
{
    private readonly Lock _lock = new();
    private readonly List<Share> _shares = [];
    private long _used;
    private bool _full;

    /// <summary>A budget of so many bytes.</summary>
    public MemoryBudget(long limitBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limitBytes);
        LimitBytes = limitBytes;
    }

    /// <summary>The budget.</summary>
    public long LimitBytes { get; }

    /// <summary>What is held now.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_lock)
            {
                return _used;
            }
        }
    }

    internal Share Join()
    {
        lock (_lock)
        {
            var share = new Share(this);
            _shares.Add(share);
            return share;
        }
    }

    private void Set(Share share, long bytes)
    {
        lock (_lock)
        {
            _used += bytes - share.Bytes;
            share.Bytes = bytes;
            Decide();
        }
    }

    private void Leave(Share share)
    {
        lock (_lock)
        {
            if (_shares.Remove(share))
            {
                _used -= share.Bytes;
                share.Bytes = 0;
                Decide();
            }
        }
    }

    private void Decide()
    {
        long high = LimitBytes / 4 * 3;
        _full = _used >= LimitBytes || (_full && _used > high);
        long unasked = 0;
        foreach (Share share in _shares)
        {
            share.MustPause = _full;
            if (_used <= high || share.Bytes == 0)
            {
                share.FlushWanted = false;
            }

            unasked += share.FlushWanted ? 0 : share.Bytes;
        }

        while (_used > high && unasked > LimitBytes / 2)
        {
            Share largest = _shares[0];
            foreach (Share share in _shares)
            {
                if (!share.FlushWanted && (largest.FlushWanted || share.Bytes > largest.Bytes))
                {
                    largest = share;
                }
            }

            largest.FlushWanted = true;
            unasked -= largest.Bytes;
        }
    }

    /// <summary>One pump's part.</summary>
    internal sealed class Share(MemoryBudget budget) : IDisposable
    {
        private volatile bool _flushWanted;
        private volatile bool _mustPause;

        internal long Bytes { get; set; }

        /// <summary>This pump is among the largest, and memory is short.</summary>
        internal bool FlushWanted { get => _flushWanted; set => _flushWanted = value; }

        /// <summary>Memory is used up: take no more records.</summary>
        internal bool MustPause { get => _mustPause; set => _mustPause = value; }

        internal void Set(long bytes)
        {
            if (bytes != Bytes)
            {
                budget.Set(this, bytes);
            }
        }

        public void Dispose() => budget.Leave(this);
    }
}
