#nullable disable
using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.StandIn;
using Amazon.SecretsManager.Model;

namespace Amazon.SecretsManager
{
    public class AmazonSecretsManagerConfig() : JsonServiceConfig(SecretsService.Service);

    public interface IAmazonSecretsManager : IDisposable
    {
        Task<GetSecretValueResponse> GetSecretValueAsync(GetSecretValueRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonSecretsManagerClient : JsonServiceClient, IAmazonSecretsManager
    {
        public AmazonSecretsManagerClient(AmazonSecretsManagerConfig config)
            : base(SecretsService.Service, config)
        {
        }

        public AmazonSecretsManagerClient(AWSCredentials credentials, AmazonSecretsManagerConfig clientConfig)
            : base(SecretsService.Service, credentials, clientConfig)
        {
        }

        public virtual Task<GetSecretValueResponse> GetSecretValueAsync(GetSecretValueRequest request, CancellationToken cancellationToken = default) =>
            CallAsync<GetSecretValueResponse>(request, "GetSecretValue", cancellationToken);
    }

    public class AmazonSecretsManagerException(string message, Exception innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonServiceException(message, innerException, errorType, errorCode, requestId, statusCode);

    internal static class SecretsService
    {
        public static JsonService Service { get; } = new("Secrets Manager", "secretsmanager", "secretsmanager", "2017-10-17", static (code, error) => code == "ResourceNotFoundException"
            ? new ResourceNotFoundException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode)
            : new AmazonSecretsManagerException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode));
    }
}

namespace Amazon.SecretsManager.Model
{
    public class ResourceNotFoundException(string message, Exception innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonSecretsManagerException(message, innerException, errorType, errorCode, requestId, statusCode);

    public class GetSecretValueRequest : AmazonWebServiceRequest
    {
        public string SecretId { get; set; }

        public string VersionId { get; set; }

        public string VersionStage { get; set; }
    }

    public class GetSecretValueResponse : AmazonWebServiceResponse
    {
        public string ARN { get; set; }

        public DateTime? CreatedDate { get; set; }

        public string Name { get; set; }

        public string SecretString { get; set; }

        public string VersionId { get; set; }

        public List<string> VersionStages { get; set; }
    }
}
