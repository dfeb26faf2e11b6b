using System.Net;
using Amazon.Runtime;

namespace Amazon.Glue
{
    public class AmazonGlueException(string message, Exception? innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonServiceException(message, innerException, errorType, errorCode, requestId, statusCode);
}

namespace Amazon.Glue.Model
{
    public class AlreadyExistsException(string message, Exception? innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonGlueException(message, innerException, errorType, errorCode, requestId, statusCode);

    public class ConcurrentModificationException(string message, Exception? innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonGlueException(message, innerException, errorType, errorCode, requestId, statusCode);

    public class EntityNotFoundException(string message, Exception? innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonGlueException(message, innerException, errorType, errorCode, requestId, statusCode);

    public class InvalidInputException(string message, Exception? innerException, ErrorType errorType, string errorCode, string requestId, HttpStatusCode statusCode)
        : AmazonGlueException(message, innerException, errorType, errorCode, requestId, statusCode);
}
