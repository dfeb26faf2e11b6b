using System.Text.Json.Nodes;
using System.Xml.Linq;
using OrleansLake.Testing.Aws;

namespace OrleansLake.Deploy.Tests;

/// <summary>Which rights requests need that came over the wire. A kind that is not known here is an error.</summary>
/// <remarks>https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html</remarks>
internal static class AwsAsked
{
    /// <summary>Of S3, with the bucket in the path.</summary>
    public static IEnumerable<AwsRight> OfS3(AwsRequest request)
    {
        string[] parts = Uri.UnescapeDataString(request.RawPath).TrimStart('/').Split('/', 2);
        string bucket = $"arn:aws:s3:::{parts[0]}";
        string? key = parts.Length > 1 && parts[1].Length > 0 ? parts[1] : null;
        return (request.Method, key) switch
        {
            // Whether one that is missing is said to be missing depends on the right to list, and that question has no prefix.
            ("GET" or "HEAD", not null) when request.RawQuery is "" or "x-id=GetObject" => [new("s3:GetObject", $"{bucket}/{key}"), new("s3:ListBucket", bucket)],
            ("PUT", not null) when request.RawQuery is "" or "x-id=PutObject" || request.HasQuery("partNumber") => Put(key),
            ("POST", not null) when request.HasQuery("uploads") => Put(key),
            ("POST", not null) when request.HasQuery("uploadId") => [new("s3:PutObject", $"{bucket}/{key}")],
            ("DELETE", not null) when request.RawQuery is "" or "x-id=DeleteObject" || request.HasQuery("uploadId") => [new(request.HasQuery("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject", $"{bucket}/{key}")],
            ("POST", null) when request.HasQuery("delete") => KeysOf(request.Body).Select(one => new AwsRight("s3:DeleteObject", $"{bucket}/{one}")),
            ("GET", null) when request.HasQuery("uploads") => [new("s3:ListBucketMultipartUploads", bucket)],
            ("GET", null) when request.HasQuery("list-type") => [new("s3:ListBucket", bucket, QueryOf(request, "prefix"))],
            _ => throw new NotSupportedException($"{request.Method} {request.RawTarget}: expected a request whose rights are known"),
        };

        IEnumerable<AwsRight> Put(string name) => request.Headers.ContainsKey("x-amz-tagging")
            ? [new("s3:PutObject", $"{bucket}/{name}"), new("s3:PutObjectTagging", $"{bucket}/{name}")]
            : [new("s3:PutObject", $"{bucket}/{name}")];
    }

    /// <summary>Of Glue: the catalog, and what lies above what is asked for.</summary>
    public static IEnumerable<AwsRight> OfGlue(AwsRequest request, string arn)
    {
        JsonNode body = JsonNode.Parse(request.Body)!;
        bool isOfTables = request.Action.Contains("Table", StringComparison.Ordinal);
        string? database = (string?)body["DatabaseName"] ?? (isOfTables ? null : (string?)body["Name"]);
        string? table = !isOfTables ? null : (string?)body["Name"] ?? (string?)body["TableInput"]?["Name"] ?? "*";
        yield return new($"glue:{request.Action}", $"{arn}:catalog");
        yield return new($"glue:{request.Action}", $"{arn}:database/{database ?? "*"}");
        if (table is not null)
        {
            yield return new($"glue:{request.Action}", $"{arn}:table/{database}/{table}");
        }
    }

    /// <summary>Of DynamoDB; a transaction is what is in it.</summary>
    public static IEnumerable<AwsRight> OfDynamoDb(AwsRequest request, string arn)
    {
        JsonNode body = JsonNode.Parse(request.Body)!;
        return request.Action switch
        {
            "TransactWriteItems" => body["TransactItems"]!.AsArray().SelectMany(item => item!.AsObject()).Select(one => Right(one.Key == "Put" ? "PutItem" : one.Key == "Update" ? "UpdateItem" : one.Key == "Delete" ? "DeleteItem" : "ConditionCheckItem", one.Value!)),
            "TransactGetItems" => body["TransactItems"]!.AsArray().Select(item => Right("GetItem", item!["Get"]!)),
            "BatchWriteItem" => body["RequestItems"]!.AsObject().Select(table => new AwsRight("dynamodb:BatchWriteItem", $"{arn}:table/{table.Key}")),
            _ => [Right(request.Action, body)],
        };

        AwsRight Right(string action, JsonNode of) => new($"dynamodb:{action}", $"{arn}:table/{of["TableName"]}" + (of["IndexName"] is { } index ? $"/index/{index}" : ""));
    }

    private static string? QueryOf(AwsRequest request, string name) =>
        request.RawQuery.Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair[0] == name).Select(pair => Uri.UnescapeDataString(pair[^1])).FirstOrDefault();

    private static IEnumerable<string> KeysOf(byte[] body)
    {
        using var stream = new MemoryStream(body);
        return [.. XDocument.Load(stream).Descendants().Where(element => element.Name.LocalName == "Key").Select(element => element.Value)];
    }
}
