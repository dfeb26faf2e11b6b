namespace OrleansLake.Terminal;

/// <summary>
/// A line on standard error that says how far something is: written over itself on a terminal, a new line every few seconds
/// elsewhere.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="quiet">Says nothing at all.</param>
public sealed class ProgressLine(TimeProvider time, bool quiet)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private long? _last;
    private int _length;

    /// <summary>How far it is now.</summary>
    public void Show(string text)
    {
        if (quiet)
        {
            return;
        }

        lock (_lock)
        {
            if (_terminal)
            {
                Console.Error.Write($"\r{text.PadRight(_length)}");
                _length = text.Length;
            }
            else if (_last is not { } last || time.GetElapsedTime(last) >= Interval)
            {
                _last = time.GetTimestamp();
                Console.Error.WriteLine(text);
            }
        }
    }

    /// <summary>It is over: what is written next stands on a line of its own.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_terminal && _length > 0)
            {
                Console.Error.WriteLine();
            }

            _length = 0;
        }
    }
}
