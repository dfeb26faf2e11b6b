namespace OrleansLake.Cli;

/// <summary>
/// A line on standard error that says how far something is: written over itself on a terminal, one line every few seconds
/// elsewhere.
/// </summary>
internal sealed class ProgressLine(TimeProvider time, bool quiet)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private long? _last;
    private int _length;

    internal void Show(string text)
    {
        if (quiet)
            return;

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

    internal void End()
    {
        lock (_lock)
        {
            if (_terminal && _length > 0)
                Console.Error.WriteLine();
            _length = 0;
        }
    }
}
