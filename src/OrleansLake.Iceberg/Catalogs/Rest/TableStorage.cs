using System.Globalization;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Rest;

/// <summary>What one answer lent: configuration for all of a table's files, and credentials for parts of them.</summary>
internal sealed record Loan(IReadOnlyDictionary<string, string> Config, IReadOnlyList<(string Prefix, IReadOnlyDictionary<string, string> Config)> Credentials)
{
    private static readonly string[] Expiries = ["s3.session-token-expires-at-ms", "gcs.oauth2.token-expires-at", "expires-at-ms"];

    public static Loan Read(JsonCursor at) => new(
        at.TryGet("config", out var config) ? config.TextMap() : [],
        at.TryGet("storage-credentials", out var list)
            ? list.List("storage credentials", one => (one.Get("prefix").Text(), (IReadOnlyDictionary<string, string>)one.Get("config").TextMap()))
            : []);

    /// <summary>Configuration for a prefix that was lent for; the empty one: for what no other covers.</summary>
    public Dictionary<string, string> For(string prefix)
    {
        var all = new Dictionary<string, string>(Config, StringComparer.Ordinal);
        foreach (var (name, value) in Credentials.Where(one => one.Prefix == prefix).SelectMany(one => one.Config))
        {
            all[name] = value;
        }

        return all;
    }

    /// <summary>The longest prefix that was lent for and that a location begins with; empty when none does.</summary>
    public string PrefixOf(string location) => Credentials.Select(one => one.Prefix)
        .Where(prefix => location.StartsWith(prefix, StringComparison.Ordinal))
        .Append("")
        .MaxBy(prefix => prefix.Length)!;

    /// <summary>When the first of the credentials ends; null when none says so.</summary>
    public DateTimeOffset? ExpiresAt
    {
        get
        {
            var ends = Credentials.Select(one => one.Config).Append(Config).SelectMany(config => config)
                .Where(pair => Expiries.Contains(pair.Key) || pair.Key.StartsWith("adls.sas-token-expires-at-ms.", StringComparison.Ordinal))
                .Select(pair => long.TryParse(pair.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long ms) ? ms : long.MaxValue)
                .Where(ms => ms < 253402300800000)
                .ToList();
            return ends.Count == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ends.Min());
        }
    }
}

/// <summary>
/// The files of one table: each location in the store that its beginning calls for, with what the catalog lent for it. The
/// newest loan serves all; one that ends soon is renewed, by one request whoever asks.
/// </summary>
internal sealed class TableStorage(IReadOnlyDictionary<string, Func<LentStorage, IObjectStore>> factories, Func<CancellationToken, Task<Loan>> renew, TimeProvider time)
{
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Scheme, string Lent), IObjectStore> _stores = [];
    private Loan _loan = new(new Dictionary<string, string>(), []);
    private Task<Loan>? _renewal;

    public void Take(Loan loan)
    {
        lock (_lock)
        {
            _loan = loan;
        }
    }

    /// <summary>Whether what was lent is good for a while.</summary>
    public bool IsFresh()
    {
        lock (_lock)
        {
            return _loan.ExpiresAt is not { } end || time.GetUtcNow() + Early < end;
        }
    }

    /// <exception cref="NotSupportedException">No store was configured for such a location.</exception>
    public IObjectStore StoreOf(string location)
    {
        lock (_lock)
        {
            string? scheme = factories.Keys.Where(key => location.StartsWith(key, StringComparison.OrdinalIgnoreCase)).MaxBy(key => key.Length);
            if (scheme is null)
            {
                throw new NotSupportedException($"{location}: expected a location that begins with one of {string.Join(", ", factories.Keys)}");
            }

            var key = (scheme, _loan.PrefixOf(location));
            if (!_stores.TryGetValue(key, out var store))
            {
                _stores[key] = store = factories[scheme](new LentStorage(key.Item2, this));
            }

            return store;
        }
    }

    public async ValueTask<IReadOnlyDictionary<string, string>> ConfigAsync(string prefix, CancellationToken cancellationToken)
    {
        Task<Loan> renewal;
        lock (_lock)
        {
            var end = _loan.ExpiresAt;
            var now = time.GetUtcNow();
            if (end is null || now + Early < end)
            {
                return _loan.For(prefix);
            }

            renewal = _renewal ??= RenewAsync();
            if (now < end)
            {
                return _loan.For(prefix);
            }
        }

        return (await renewal.WaitAsync(cancellationToken).ConfigureAwait(false)).For(prefix);
    }

    private async Task<Loan> RenewAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var loan = await renew(CancellationToken.None).ConfigureAwait(false);
            Take(loan);
            return loan;
        }
        finally
        {
            lock (_lock)
            {
                _renewal = null;
            }
        }
    }
}
