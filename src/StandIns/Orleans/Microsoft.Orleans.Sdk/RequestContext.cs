using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>Values that travel with calls, from the caller down; what a callee sets does not come back.</summary>
public static class RequestContext
{
    private const string ReentrancyKey = "#RL";
    private static readonly AsyncLocal<Dictionary<string, object>?> Values = new();

    public static IEnumerable<string> Keys => Values.Value?.Keys.ToArray() ?? [];
    public static IEnumerable<KeyValuePair<string, object>> Entries => Values.Value?.ToArray() ?? [];

    public static Guid ReentrancyId
    {
        get => Get(ReentrancyKey) is Guid id ? id : Guid.Empty;
        set
        {
            if (value == Guid.Empty) Remove(ReentrancyKey);
            else Set(ReentrancyKey, value);
        }
    }

    public static object? Get(string key) => Values.Value?.GetValueOrDefault(key);

    public static void Set(string key, object value) =>
        // Always a new dictionary: the old one may belong to a caller further up.
        Values.Value = new(Values.Value ?? []) { [key] = value };

    public static bool Remove(string key)
    {
        if (Values.Value is not { } values || !values.ContainsKey(key)) return false;
        var rest = new Dictionary<string, object>(values);
        rest.Remove(key);
        Values.Value = rest.Count == 0 ? null : rest;
        return true;
    }

    public static void Clear() => Values.Value = null;

    /// <summary>Calls made from here may come back into this grain while it waits for them.</summary>
    public static ReentrancySection AllowCallChainReentrancy()
    {
        var original = ReentrancyId;
        if (original == Guid.Empty) ReentrancyId = Guid.NewGuid();
        return new ReentrancySection(original, ReentrancyId);
    }

    public static ReentrancySection SuppressCallChainReentrancy()
    {
        var original = ReentrancyId;
        ReentrancyId = Guid.Empty;
        return new ReentrancySection(original, Guid.Empty);
    }

    internal static Dictionary<string, object>? Capture(DeepCopier copier) =>
        Values.Value is { Count: > 0 } values ? copier.Copy(values) : null;

    internal static void Import(Dictionary<string, object>? values) => Values.Value = values;

    public readonly struct ReentrancySection : IDisposable
    {
        private readonly Guid original;
        private readonly Guid current;
        private readonly IReentrantSections? sections;

        internal ReentrancySection(Guid original, Guid current)
        {
            (this.original, this.current) = (original, current);
            if (current == Guid.Empty) return;
            sections = RuntimeContext.Current as IReentrantSections;
            sections?.Enter(current);
        }

        public void Dispose()
        {
            sections?.Leave(current);
            if (ReentrancyId == current) ReentrancyId = original;
        }
    }
}

internal interface IReentrantSections
{
    void Enter(Guid id);
    void Leave(Guid id);
}
