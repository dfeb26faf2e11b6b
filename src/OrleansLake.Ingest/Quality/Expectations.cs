using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Quality;

/// <summary>
/// The expectations of one pump, with what they remember from schema to schema; tells of those that are not met, at most once a
/// minute each, and of those that are met again. Called by one thread at a time.
/// </summary>
public sealed class Expectations
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly string _pipeline;
    private readonly TimeProvider _time;
    private readonly Action<Alert> _onAlert;
    private readonly Standing[] _standings;

    /// <summary>Expectations of a pipeline; alerts are handed over on the pump's thread.</summary>
    public Expectations(string pipeline, IReadOnlyList<Expectation> expectations, TimeProvider time, Action<Alert> onAlert)
    {
        (_pipeline, _time, _onAlert) = (pipeline, time, onAlert);
        _standings = [.. expectations.Select(static expectation => new Standing(expectation))];
    }

    /// <summary>How many rows did not meet each, by name, since the pump began.</summary>
    public IReadOnlyDictionary<string, long> Unmet => _standings.ToDictionary(static standing => standing.Expectation.Name, static standing => Interlocked.Read(ref standing.Unmet));

    internal IReadOnlyList<Standing> Standings => _standings;

    /// <summary>The checks on a table as it is; an expectation that no longer fits it is told of, and nothing is asked.</summary>
    internal RowCheck?[] Compile(Schema schema, ParquetSchema columns)
    {
        var checks = new RowCheck?[_standings.Length];
        for (int i = 0; i < checks.Length; i++)
        {
            try
            {
                checks[i] = RowCheck.Of(_standings[i].Expectation, schema, columns, _standings[i].Memory);
            }
            catch (Exception error) when (error is ArgumentException or FormatException or NotSupportedException)
            {
                Tell(_standings[i], string.Create(CultureInfo.InvariantCulture, $"it cannot be asked of schema {schema.SchemaId}: {error.Message}"));
            }
        }

        return checks;
    }

    /// <summary>Those that cannot be asked of a table, and why.</summary>
    internal IEnumerable<string> Unfit(Schema schema, ParquetSchema columns)
    {
        foreach (var standing in _standings)
        {
            string? why = null;
            try
            {
                RowCheck.Of(standing.Expectation, schema, columns, new RowCheck.WindowMemory());
            }
            catch (Exception error) when (error is ArgumentException or FormatException or NotSupportedException)
            {
                why = error.Message;
            }

            if (why is not null)
            {
                yield return $"quality.expectations {standing.Expectation.Name}: {why}";
            }
        }
    }

    /// <summary>Counts rows that do not meet one, and tells of it.</summary>
    internal void Count(Standing standing, long unmet, long of, string? finding)
    {
        if (unmet > 0)
        {
            Interlocked.Add(ref standing.Unmet, unmet);
            standing.UnmetSinceTold += unmet;
        }

        standing.SeenSinceTold += of;
        if (unmet > 0 || finding is not null)
        {
            standing.LastUnmet = _time.GetUtcNow();
            if (!standing.IsRaised || standing.LastUnmet - standing.LastTold >= Quiet)
            {
                Tell(standing, finding ?? string.Create(CultureInfo.InvariantCulture, $"{standing.UnmetSinceTold} of {standing.SeenSinceTold} rows did not"));
            }
        }
        else if (standing.IsRaised && _time.GetUtcNow() - standing.LastUnmet >= Quiet)
        {
            standing.IsRaised = false;
            _onAlert(new Alert(AlertKind.Expectation, _pipeline, RuleOf(standing), $"expected {standing.Expectation.Text}: all rows of the last {Quiet.TotalSeconds:0} s did", _time.GetUtcNow(), IsOver: true));
        }
    }

    private static string RuleOf(Standing standing) => $"expectation {standing.Expectation.Name}";

    private void Tell(Standing standing, string finding)
    {
        standing.IsRaised = true;
        standing.LastTold = _time.GetUtcNow();
        (standing.UnmetSinceTold, standing.SeenSinceTold) = (0, 0);
        _onAlert(new Alert(AlertKind.Expectation, _pipeline, RuleOf(standing), $"expected {standing.Expectation.Text}: {finding}", standing.LastTold));
    }

    /// <summary>One expectation and how it stands.</summary>
    internal sealed class Standing(Expectation expectation)
    {
        public long Unmet;

        public Expectation Expectation { get; } = expectation;

        public RowCheck.WindowMemory Memory { get; } = new();

        public long UnmetSinceTold { get; set; }

        public long SeenSinceTold { get; set; }

        public bool IsRaised { get; set; }

        public DateTimeOffset LastTold { get; set; }

        public DateTimeOffset LastUnmet { get; set; }

        /// <summary>Batches owed to the sample: looked at when it reaches 1.</summary>
        public double Due { get; set; } = 1;
    }
}
