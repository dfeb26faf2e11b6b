using Amazon.Glue.Model;
using Amazon.Runtime;
using Amazon.Runtime.StandIn;

namespace Amazon.Glue;

public class AmazonGlueConfig() : JsonServiceConfig(GlueService.Service);

public interface IAmazonGlue : IDisposable
{
    Task<CreateDatabaseResponse> CreateDatabaseAsync(CreateDatabaseRequest request, CancellationToken cancellationToken = default);

    Task<GetDatabaseResponse> GetDatabaseAsync(GetDatabaseRequest request, CancellationToken cancellationToken = default);

    Task<GetDatabasesResponse> GetDatabasesAsync(GetDatabasesRequest request, CancellationToken cancellationToken = default);

    Task<UpdateDatabaseResponse> UpdateDatabaseAsync(UpdateDatabaseRequest request, CancellationToken cancellationToken = default);

    Task<DeleteDatabaseResponse> DeleteDatabaseAsync(DeleteDatabaseRequest request, CancellationToken cancellationToken = default);

    Task<CreateTableResponse> CreateTableAsync(CreateTableRequest request, CancellationToken cancellationToken = default);

    Task<GetTableResponse> GetTableAsync(GetTableRequest request, CancellationToken cancellationToken = default);

    Task<GetTablesResponse> GetTablesAsync(GetTablesRequest request, CancellationToken cancellationToken = default);

    Task<UpdateTableResponse> UpdateTableAsync(UpdateTableRequest request, CancellationToken cancellationToken = default);

    Task<DeleteTableResponse> DeleteTableAsync(DeleteTableRequest request, CancellationToken cancellationToken = default);
}

public class AmazonGlueClient : JsonServiceClient, IAmazonGlue
{
    public AmazonGlueClient(AmazonGlueConfig config)
        : base(GlueService.Service, config)
    {
    }

    public AmazonGlueClient(AWSCredentials credentials, AmazonGlueConfig clientConfig)
        : base(GlueService.Service, credentials, clientConfig)
    {
    }

    public virtual Task<CreateDatabaseResponse> CreateDatabaseAsync(CreateDatabaseRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<CreateDatabaseResponse>(request, "CreateDatabase", cancellationToken);

    public virtual Task<GetDatabaseResponse> GetDatabaseAsync(GetDatabaseRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<GetDatabaseResponse>(request, "GetDatabase", cancellationToken);

    public virtual Task<GetDatabasesResponse> GetDatabasesAsync(GetDatabasesRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<GetDatabasesResponse>(request, "GetDatabases", cancellationToken);

    public virtual Task<UpdateDatabaseResponse> UpdateDatabaseAsync(UpdateDatabaseRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<UpdateDatabaseResponse>(request, "UpdateDatabase", cancellationToken);

    public virtual Task<DeleteDatabaseResponse> DeleteDatabaseAsync(DeleteDatabaseRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<DeleteDatabaseResponse>(request, "DeleteDatabase", cancellationToken);

    public virtual Task<CreateTableResponse> CreateTableAsync(CreateTableRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<CreateTableResponse>(request, "CreateTable", cancellationToken);

    public virtual Task<GetTableResponse> GetTableAsync(GetTableRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<GetTableResponse>(request, "GetTable", cancellationToken);

    public virtual Task<GetTablesResponse> GetTablesAsync(GetTablesRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<GetTablesResponse>(request, "GetTables", cancellationToken);

    public virtual Task<UpdateTableResponse> UpdateTableAsync(UpdateTableRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<UpdateTableResponse>(request, "UpdateTable", cancellationToken);

    public virtual Task<DeleteTableResponse> DeleteTableAsync(DeleteTableRequest request, CancellationToken cancellationToken = default) =>
        CallAsync<DeleteTableResponse>(request, "DeleteTable", cancellationToken);
}

internal static class GlueService
{
    public static JsonService Service { get; } = new("Glue", "glue", "AWSGlue", "2017-03-31", static (code, error) => code switch
    {
        "AlreadyExistsException" => new AlreadyExistsException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode),
        "ConcurrentModificationException" => new ConcurrentModificationException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode),
        "EntityNotFoundException" => new EntityNotFoundException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode),
        "InvalidInputException" => new InvalidInputException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode),
        _ => new AmazonGlueException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode),
    });
}
