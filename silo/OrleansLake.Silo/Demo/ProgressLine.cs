namespace OrleansLake.Silo.Demo;

/// <summary>One line on standard error: written over itself on a terminal, a new line every few seconds elsewhere.</summary>
internal sealed class ProgressLine(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly bool _terminal = !Console.IsErrorRedirected;
    private long? _last;
    private int _length;

    internal void Show(string text)
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

    internal void End()
    {
        if (_terminal && _length > 0)
        {
            Console.Error.WriteLine();
        }

        _length = 0;
    }
}
