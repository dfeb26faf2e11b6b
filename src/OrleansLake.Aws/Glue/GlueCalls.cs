using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Glue;
using Amazon.Glue.Model;
using Amazon.Runtime;
using OrleansLake.Iceberg;
using TableIdentifier = OrleansLake.Iceberg.TableIdentifier;

namespace OrleansLake.Aws;

/// <summary>
/// The requests to Glue. Those that read, or that do twice what they do once, are repeated by the SDK; those that create or
/// swap are sent once, and who asked finds out what became of them.
/// </summary>
internal sealed class GlueCalls : IDisposable
{
    private static readonly HashSet<string> Throttles = ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "SlowDown"];

    private readonly GlueCatalogOptions _options;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly AmazonGlueClient _repeating;
    private readonly AmazonGlueClient _once;

    public GlueCalls(GlueCatalogOptions options, TimeProvider time, IdSource ids)
    {
        (_options, _time, _ids) = (options, time, ids);
        _repeating = Create(options, Math.Max(0, options.MostAttempts - 1));
        _once = Create(options, 0);
    }

    /// <summary>Whether a failure says neither that it was done nor that it was not.</summary>
    public static bool SaysNothing(AwsException e) => e.InnerException switch
    {
        AmazonServiceException service => (int)service.StatusCode >= 500 || service.StatusCode == 0 || service.ErrorCode is "OperationTimeoutException" || IsThrottled(e),
        _ => true,
    };

    /// <summary>Whether it was refused for being too many.</summary>
    public static bool IsThrottled(AwsException e) => e.InnerException is AmazonServiceException service && Throttles.Contains(service.ErrorCode ?? "");

    public async Task<Table?> FindTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var request = new GetTableRequest { CatalogId = _options.CatalogId, DatabaseName = identifier.Namespace[0], Name = identifier.Name };
        try
        {
            return (await CallAsync($"table {identifier}", () => _repeating.GetTableAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false)).Table;
        }
        catch (AwsException e) when (e.InnerException is EntityNotFoundException)
        {
            return null;
        }
    }

    public async IAsyncEnumerable<Table> TablesAsync(string database, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new GetTablesRequest { CatalogId = _options.CatalogId, DatabaseName = database };
        do
        {
            GetTablesResponse page;
            try
            {
                page = await CallAsync($"database {database}", () => _repeating.GetTablesAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            }
            catch (AwsException e) when (e.InnerException is EntityNotFoundException)
            {
                yield break;
            }

            foreach (var table in page.TableList ?? [])
            {
                yield return table;
            }

            request.NextToken = page.NextToken;
        }
        while (!string.IsNullOrEmpty(request.NextToken));
    }

    public Task CreateTableAsync(TableIdentifier identifier, TableInput input, CancellationToken cancellationToken) => CallAsync(
        $"table {identifier}",
        () => _once.CreateTableAsync(new CreateTableRequest { CatalogId = _options.CatalogId, DatabaseName = identifier.Namespace[0], TableInput = input }, cancellationToken),
        cancellationToken);

    public Task UpdateTableAsync(TableIdentifier identifier, UpdateTableRequest request, CancellationToken cancellationToken) =>
        CallAsync($"table {identifier}", () => _once.UpdateTableAsync(request, cancellationToken), cancellationToken);

    public Task DeleteTableAsync(TableIdentifier identifier, CancellationToken cancellationToken) => CallAsync(
        $"table {identifier}",
        () => _once.DeleteTableAsync(new DeleteTableRequest { CatalogId = _options.CatalogId, DatabaseName = identifier.Namespace[0], Name = identifier.Name }, cancellationToken),
        cancellationToken);

    public async Task<Database?> FindDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        var request = new GetDatabaseRequest { CatalogId = _options.CatalogId, Name = name };
        try
        {
            return (await CallAsync($"database {name}", () => _repeating.GetDatabaseAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false)).Database;
        }
        catch (AwsException e) when (e.InnerException is EntityNotFoundException)
        {
            return null;
        }
    }

    public async IAsyncEnumerable<Database> DatabasesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new GetDatabasesRequest { CatalogId = _options.CatalogId };
        do
        {
            var page = await CallAsync("databases", () => _repeating.GetDatabasesAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            foreach (var database in page.DatabaseList ?? [])
            {
                yield return database;
            }

            request.NextToken = page.NextToken;
        }
        while (!string.IsNullOrEmpty(request.NextToken));
    }

    public Task CreateDatabaseAsync(DatabaseInput input, CancellationToken cancellationToken) => CallAsync(
        $"database {input.Name}", () => _once.CreateDatabaseAsync(new CreateDatabaseRequest { CatalogId = _options.CatalogId, DatabaseInput = input }, cancellationToken), cancellationToken);

    public Task UpdateDatabaseAsync(DatabaseInput input, CancellationToken cancellationToken) => CallAsync(
        $"database {input.Name}",
        () => _repeating.UpdateDatabaseAsync(new UpdateDatabaseRequest { CatalogId = _options.CatalogId, Name = input.Name, DatabaseInput = input }, cancellationToken),
        cancellationToken);

    public Task DeleteDatabaseAsync(string name, CancellationToken cancellationToken) => CallAsync(
        $"database {name}", () => _repeating.DeleteDatabaseAsync(new DeleteDatabaseRequest { CatalogId = _options.CatalogId, Name = name }, cancellationToken), cancellationToken);

    /// <summary>A pause that grows, of a length that no two callers share.</summary>
    public Task PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        double most = Math.Min(_options.LongestPause.TotalMilliseconds, _options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 20)));
        return Task.Delay(TimeSpan.FromMilliseconds(most * (0.5 + (_ids.NewSnapshotId() % 1000 / 2000.0))), _time, cancellationToken);
    }

    public void Dispose()
    {
        _repeating.Dispose();
        _once.Dispose();
    }

    private static AmazonGlueClient Create(GlueCatalogOptions options, int retries)
    {
        var config = new AmazonGlueConfig { RetryMode = RequestRetryMode.Standard, MaxErrorRetry = retries, Timeout = options.RequestTimeout };
        if (retries == 0)
        {
            config.MaxStaleConnectionRetries = 0; // counted apart: a connection that broke may have carried the request
        }

        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.OriginalString;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return options.AccessKeyId is not { } id ? new AmazonGlueClient(config)
            : new AmazonGlueClient(options.SessionToken is { } token ? new SessionAWSCredentials(id, options.SecretAccessKey, token) : new BasicAWSCredentials(id, options.SecretAccessKey), config);
    }

    private static async Task<T> CallAsync<T>(string place, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken))
        {
            throw AwsFailures.Named(place, e);
        }
    }
}
