using System.Globalization;

namespace OrleansLake.Ingest.Quality;

/// <summary>When dead letters are too many.</summary>
public sealed record DeadLetterAlarmOptions
{
    /// <summary>The share of the records that were read, from which on they are too many; above 1: never.</summary>
    public double Share { get; init; } = 0.1;

    /// <summary>Fewer than these are never too many.</summary>
    public long Records { get; init; } = 100;

    /// <summary>Over how long records are counted.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Watches how many records of a pump become dead letters. Called by one thread at a time.</summary>
public sealed class DeadLetterAlarm(string pipeline, DeadLetterAlarmOptions options, Action<Alert> onAlert)
{
    private readonly RecentCounts _counts = new(options.Window);
    private bool _isRaised;

    /// <summary>Counts what became of some records.</summary>
    public void Count(int rows, int rejected, DateTimeOffset now)
    {
        _counts.Add(rows + rejected, rejected, now);
        bool isTooMany = _counts.Bad >= options.Records && _counts.Bad >= options.Share * _counts.All;
        if (isTooMany == _isRaised)
        {
            return;
        }

        // Half the share before it is over: it should not come and go.
        if (_isRaised && _counts.All > 0 && _counts.Bad >= options.Records / 2 && _counts.Bad >= options.Share * _counts.All / 2)
        {
            return;
        }

        _isRaised = isTooMany;
        string found = string.Create(CultureInfo.InvariantCulture, $"{_counts.Bad} of the last {_counts.All} records within {options.Window.TotalSeconds:0} s became dead letters, the bound is {options.Share:P0}");
        onAlert(new Alert(AlertKind.DeadLetters, pipeline, "dead-letters", found, now, IsOver: !isTooMany));
    }
}
