using System.Net;
using Amazon.Runtime;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>The SDK's exceptions as the library's own: what failed, where, and in the service's words.</summary>
internal static class AwsFailures
{
    /// <summary>Whether an exception is a service's or the way's to it, and not a mistake of the caller or his wish to stop.</summary>
    public static bool IsFailure(Exception e, CancellationToken cancellationToken) => e switch
    {
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        AmazonServiceException or AmazonClientException or HttpRequestException or TimeoutException => true,
        ObjectNotFoundException or AwsException or EndOfStreamException or IcebergFormatException => false,
        IOException => true,
        _ => false,
    };

    /// <summary>Whether the service said that it does not have what was asked for.</summary>
    public static bool IsMissing(Exception e) => e is AmazonServiceException { StatusCode: HttpStatusCode.NotFound, ErrorCode: not "NoSuchBucket" };

    /// <summary>Says what failed.</summary>
    public static Exception Named(string place, Exception e) => e switch
    {
        AmazonServiceException { ErrorCode: { Length: > 0 } code } service => new AwsException(place, Words(service), code, e),
        AmazonServiceException { StatusCode: not 0 } service => new AwsException(place, Words(service), ((int)service.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture), e),
        OperationCanceledException => new AwsException(place, "no answer in time", inner: e),
        _ => new AwsException(place, (e.InnerException ?? e).Message, inner: e),
    };

    private static string Words(AmazonServiceException e) =>
        string.IsNullOrEmpty(e.RequestId) ? e.Message : $"{e.Message.TrimEnd('.')} (request {e.RequestId})";
}
