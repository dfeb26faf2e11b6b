#nullable disable
using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.StandIn;
using Amazon.SimpleSystemsManagement.Model;

namespace Amazon.SimpleSystemsManagement
{
    public class AmazonSimpleSystemsManagementConfig() : JsonServiceConfig(SsmService.Service);

    public interface IAmazonSimpleSystemsManagement : IDisposable
    {
        Task<GetParameterResponse> GetParameterAsync(GetParameterRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonSimpleSystemsManagementClient : JsonServiceClient, IAmazonSimpleSystemsManagement
    {
        public AmazonSimpleSystemsManagementClient(AmazonSimpleSystemsManagementConfig config)
            : base(SsmService.Service, config)
        {
        }

        public AmazonSimpleSystemsManagementClient(AWSCredentials credentials, AmazonSimpleSystemsManagementConfig clientConfig)
            : base(SsmService.Service, credentials, clientConfig)
        {
        }

        public virtual Task<GetParameterResponse> GetParameterAsync(GetParameterRequest request, CancellationToken cancellationToken = default) =>
            CallAsync<GetParameterResponse>(request, "GetParameter", cancellationToken);
    }

    public class AmazonSimpleSystemsManagementException(string message, Exception innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonServiceException(message, innerException, errorType, errorCode, requestId, statusCode);

    internal static class SsmService
    {
        public static JsonService Service { get; } = new("SSM", "ssm", "AmazonSSM", "2014-11-06", static (code, error) =>
            new AmazonSimpleSystemsManagementException(error.Message, error.InnerException, error.Type, error.Code, error.RequestId, error.StatusCode));
    }
}

namespace Amazon.SimpleSystemsManagement.Model
{
    public class GetParameterRequest : AmazonWebServiceRequest
    {
        public string Name { get; set; }

        public bool? WithDecryption { get; set; }
    }

    public class Parameter
    {
        public string ARN { get; set; }

        public string DataType { get; set; }

        public DateTime? LastModifiedDate { get; set; }

        public string Name { get; set; }

        public string Value { get; set; }

        public long? Version { get; set; }
    }

    public class GetParameterResponse : AmazonWebServiceResponse
    {
        public Parameter Parameter { get; set; }
    }
}
