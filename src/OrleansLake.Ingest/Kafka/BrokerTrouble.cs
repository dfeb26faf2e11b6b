using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>Makes one line of what the client says about brokers that it cannot reach, and forgets it when they answer.</summary>
internal sealed class BrokerTrouble(string bootstrap)
{
    private const int Transport = -195;
    private const int Resolve = -193;
    private const int AllBrokersDown = -187;
    private const int Ssl = -181;
    private const int Authentication = -169;

    private readonly SortedDictionary<string, string> _reasons = new(StringComparer.Ordinal);
    private bool _allDown;
    private volatile string? _line;

    /// <summary>The line; null when nothing is wrong.</summary>
    internal string? Line => _line;

    /// <summary>An error that librdkafka reports beside the records.</summary>
    internal void Report(int error, string reason)
    {
        switch (error)
        {
            case AllBrokersDown:
                _allDown = true;
                break;
            // A connection that ended is opened again when it is needed; only if that fails there is something to say.
            case Transport when reason.Contains("Disconnected", StringComparison.Ordinal):
                return;
            case Transport or Resolve or Ssl or Authentication:
                (string broker, string text) = Split(reason);
                _reasons[broker] = text;
                break;
            default:
                _reasons[""] = Split(reason).Text is { Length: > 0 } said ? said : Librdkafka.TextOf(error);
                break;
        }

        Compose();
    }

    /// <summary>A broker has answered.</summary>
    internal void Answered(int broker)
    {
        if (_line is null)
            return;

        _allDown = false;
        string suffix = $"/{broker}";
        foreach (string name in _reasons.Keys.Where(n => n.Length == 0 || n.EndsWith(suffix, StringComparison.Ordinal) || n.EndsWith("/bootstrap", StringComparison.Ordinal)).ToList())
            _reasons.Remove(name);
        Compose();
    }

    /// <summary>Every broker that is needed has answered.</summary>
    internal void AllAnswered()
    {
        _allDown = false;
        _reasons.Clear();
        _line = null;
    }

    private void Compose()
    {
        string? reason = _reasons.Count == 0 ? null : _reasons.Values.First();
        _line = _allDown
            ? $"no Kafka broker of {bootstrap} can be reached{(reason is null ? "" : $": {reason}")}; still trying"
            : reason is null ? null : $"Kafka broker {_reasons.Keys.First()}: {reason}; still trying".Replace("broker : ", ": ", StringComparison.Ordinal);
    }

    // "sasl_ssl://host:9092/1: Connect to ipv4#… failed: Connection refused (after 1ms in state CONNECT, …)"
    private static (string Broker, string Text) Split(string reason)
    {
        int colon = reason.IndexOf(": ", StringComparison.Ordinal);
        string broker = colon < 0 ? "" : reason[..colon];
        string text = colon < 0 ? reason : reason[(colon + 2)..];
        int after = text.IndexOf(" (after ", StringComparison.Ordinal);
        return (broker, (after < 0 ? text : text[..after]).ReplaceLineEndings(" ").Trim());
    }
}
