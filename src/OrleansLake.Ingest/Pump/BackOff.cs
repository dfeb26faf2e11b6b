namespace OrleansLake.Ingest.Pump;

/// <summary>Waits that double from failure to failure.</summary>
internal struct BackOff(PumpOptions options)
{
    private int _failures;

    internal readonly int Failures => _failures;

    internal TimeSpan Next()
    {
        double ms = options.MinBackOff.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 20));
        return TimeSpan.FromMilliseconds(Math.Min(ms, options.MaxBackOff.TotalMilliseconds));
    }

    internal void Reset() => _failures = 0;
}
