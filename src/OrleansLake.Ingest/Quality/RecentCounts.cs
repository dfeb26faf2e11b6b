namespace OrleansLake.Ingest.Quality;

/// <summary>Two counts over the last while, in slices that fall out as time goes on.</summary>
internal sealed class RecentCounts(TimeSpan window)
{
    private const int Slices = 10;

    private readonly long[] _all = new long[Slices];
    private readonly long[] _bad = new long[Slices];
    private long _slice = long.MinValue;

    /// <summary>Everything that was counted.</summary>
    public long All { get; private set; }

    /// <summary>What was bad of it.</summary>
    public long Bad { get; private set; }

    /// <summary>Counts; zeros only let time pass.</summary>
    public void Add(long all, long bad, DateTimeOffset now)
    {
        long slice = now.UtcTicks / Math.Max(1, window.Ticks / Slices);
        for (long passed = Math.Max(_slice + 1, slice - Slices + 1); passed <= slice; passed++)
        {
            int old = (int)(passed % Slices);
            All -= _all[old];
            Bad -= _bad[old];
            (_all[old], _bad[old]) = (0, 0);
        }

        // A clock that steps back counts into the newest slice.
        _slice = Math.Max(_slice, slice);
        int at = (int)(_slice % Slices);
        _all[at] += all;
        _bad[at] += bad;
        All += all;
        Bad += bad;
    }
}
