using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Amazon.Runtime.Credentials.Internal;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;
using Amazon.Runtime.Internal.Transform;

namespace Amazon.Runtime.StandIn;

/// <summary>What a service of the AWS JSON 1.1 protocol is called. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html</summary>
internal sealed record JsonService(string ServiceId, string EndpointPrefix, string TargetPrefix, string ApiVersion, Func<string, ErrorResponse, AmazonServiceException> ExceptionOf)
{
    /// <summary>Property names are the protocol's own; only what a model class itself declares is sent.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new EpochSeconds() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            {
                static info =>
                {
                    for (int i = info.Properties.Count - 1; i >= 0; i--)
                    {
                        if (info.Properties[i].AttributeProvider is System.Reflection.MemberInfo { DeclaringType: { } type } && type.Assembly != typeof(JsonService).Assembly)
                        {
                            info.Properties.RemoveAt(i);
                        }
                    }
                },
            },
        },
    };

    private sealed class EpochSeconds : JsonConverter<DateTime>
    {
        public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            DateTime.UnixEpoch.AddMilliseconds(Math.Round(reader.GetDouble() * 1000));

        public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
            writer.WriteNumberValue((value.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
    }
}

/// <summary>A client of such a service, on the SDK's own pipeline: credentials, signatures, time-outs and retries are the SDK's.</summary>
public abstract class JsonServiceClient : AmazonServiceClient
{
    private readonly Metadata _metadata;
    private readonly JsonService _service;

    internal JsonServiceClient(JsonService service, AWSCredentials credentials, ClientConfig config)
        : base(credentials, config) => (_service, _metadata) = (service, new Metadata(service.ServiceId));

    internal JsonServiceClient(JsonService service, ClientConfig config)
        : base(config) => (_service, _metadata) = (service, new Metadata(service.ServiceId));

    protected override IServiceMetadata ServiceMetadata => _metadata ?? new Metadata("");

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        pipeline.RemoveHandler<Internal.EndpointResolver>();
        pipeline.AddHandlerAfter<Marshaller>(new Resolver());
        pipeline.AddHandlerAfter<Marshaller>(new AuthSchemes());
    }

    private protected Task<TResponse> CallAsync<TResponse>(AmazonWebServiceRequest request, string action, CancellationToken cancellationToken)
        where TResponse : AmazonWebServiceResponse, new() =>
        InvokeAsync<TResponse>(
            request,
            new InvokeOptions { RequestMarshaller = new RequestWriter(_service, action), ResponseUnmarshaller = new ResponseReader<TResponse>(_service) },
            cancellationToken);

    private sealed class Metadata(string serviceId) : IServiceMetadata
    {
        public string ServiceId => serviceId;

        public IDictionary<string, string> OperationNameMapping { get; } = new Dictionary<string, string>();
    }

    private sealed class Parameters : EndpointParameters;

    private sealed class Resolver : BaseEndpointResolver
    {
        protected override EndpointParameters MapEndpointsParameters(IRequestContext requestContext)
        {
            var config = (ClientConfig)requestContext.ClientConfig;
            var parameters = new Parameters();
            parameters["Region"] = config.RegionEndpoint?.SystemName ?? config.AuthenticationRegion;
            parameters["UseFIPS"] = config.UseFIPSEndpoint;
            parameters["UseDualStack"] = config.UseDualstackEndpoint;
            parameters["Endpoint"] = config.ServiceURL;
            return parameters;
        }
    }

    private sealed class AuthSchemes : BaseAuthResolverHandler
    {
        protected override List<IAuthSchemeOption> ResolveAuthOptions(IExecutionContext executionContext) => AuthSchemeOption.DEFAULT_SIGV4;
    }

    private sealed class RequestWriter(JsonService service, string action) : IMarshaller<IRequest, AmazonWebServiceRequest>
    {
        public IRequest Marshall(AmazonWebServiceRequest input) => new DefaultRequest(input, "Amazon." + service.ServiceId.Replace(" ", "", StringComparison.Ordinal))
        {
            HttpMethod = "POST",
            ResourcePath = "/",
            Content = JsonSerializer.SerializeToUtf8Bytes(input, input.GetType(), JsonService.Json),
            Headers =
            {
                ["X-Amz-Target"] = $"{service.TargetPrefix}.{action}",
                ["Content-Type"] = "application/x-amz-json-1.1",
                ["x-amz-api-version"] = service.ApiVersion,
            },
        };
    }

    private sealed class ResponseReader<TResponse>(JsonService service) : JsonResponseUnmarshaller
        where TResponse : AmazonWebServiceResponse, new()
    {
        public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input)
        {
            using var body = new MemoryStream();
            input.Stream.CopyTo(body);
            return body.Length == 0 ? new TResponse() : JsonSerializer.Deserialize<TResponse>(body.ToArray(), JsonService.Json)!;
        }

        public override AmazonServiceException UnmarshallException(JsonUnmarshallerContext input, Exception innerException, HttpStatusCode statusCode)
        {
            using var body = new MemoryStream();
            input.Stream.CopyTo(body);
            var error = new ErrorResponse { InnerException = innerException, StatusCode = statusCode, Type = (int)statusCode < 500 ? ErrorType.Sender : ErrorType.Receiver };
            if (input.ResponseData.IsHeaderPresent("x-amzn-RequestId"))
            {
                error.RequestId = input.ResponseData.GetHeaderValue("x-amzn-RequestId");
            }

            try
            {
                using var document = JsonDocument.Parse(body.ToArray());
                foreach (var member in document.RootElement.EnumerateObject())
                {
                    switch (member.Name)
                    {
                        case "__type" or "code": error.Code = member.Value.GetString(); break;
                        case "message" or "Message": error.Message = member.Value.GetString(); break;
                    }
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                error.Message = "an answer that is no JSON";
            }

            if (input.ResponseData.IsHeaderPresent("x-amzn-ErrorType"))
            {
                error.Code = input.ResponseData.GetHeaderValue("x-amzn-ErrorType").Split(':')[0];
            }

            string code = error.Code is { } full ? full[(full.LastIndexOf('#') + 1)..] : "";
            error.Code = code;
            return service.ExceptionOf(code, error);
        }
    }
}

/// <summary>What the configurations of such clients have in common.</summary>
public abstract class JsonServiceConfig : ClientConfig
{
    private readonly JsonService _service;

    internal JsonServiceConfig(JsonService service)
        : base(new DefaultConfigurationProvider(
            [.. Enum.GetValues<DefaultConfigurationMode>().Select(mode => new DefaultConfiguration { Name = mode, RetryMode = RequestRetryMode.Standard })]))
    {
        _service = service;
        ServiceId = service.ServiceId;
        AuthenticationServiceName = service.EndpointPrefix;
        EndpointProvider = new Provider(service);
        Initialize();
    }

    public override string RegionEndpointServiceName => _service.EndpointPrefix;

    public override string ServiceVersion => _service.ApiVersion;

    public override string UserAgent { get; } = Util.Internal.InternalSDKUtils.BuildUserAgentString("stand-in", "4.0.0");

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters)
    {
        var given = new EndpointParametersOf();
        given["Region"] = RegionEndpoint?.SystemName;
        given["UseFIPS"] = UseFIPSEndpoint;
        given["Endpoint"] = ServiceURL;
        return EndpointProvider.ResolveEndpoint(given);
    }

    private sealed class EndpointParametersOf : EndpointParameters;

    private sealed class Provider(JsonService service) : IEndpointProvider
    {
        public Endpoint ResolveEndpoint(EndpointParameters parameters)
        {
            if (parameters["Endpoint"] is string { Length: > 0 } given)
            {
                return new Endpoint(given);
            }

            string region = parameters["Region"] as string ?? throw new AmazonClientException("No RegionEndpoint or ServiceURL configured");
            string suffix = RegionEndpoint.GetBySystemName(region).PartitionDnsSuffix;
            return new Endpoint($"https://{service.EndpointPrefix}{(parameters["UseFIPS"] is true ? "-fips" : "")}.{region}.{suffix}");
        }
    }
}
