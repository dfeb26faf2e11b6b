namespace OrleansLake.Testing.Aws;

/// <summary>A request as it came over the wire.</summary>
public sealed record AwsRequest(string Method, string RawTarget, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string RawPath => RawTarget.Split('?')[0];

    public string RawQuery => RawTarget.Contains('?', StringComparison.Ordinal) ? RawTarget[(RawTarget.IndexOf('?', StringComparison.Ordinal) + 1)..] : "";

    /// <summary>What a service with one address is asked to do: <c>GetTable</c>.</summary>
    public string Action => Headers.GetValueOrDefault("X-Amz-Target", "").Split('.')[^1];

    public bool HasQuery(string name) => RawQuery.Split('&').Any(part => part.Split('=')[0] == name);
}

public sealed record AwsReply(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public static AwsReply Json(int status, string json) =>
        new(status, new Dictionary<string, string> { ["Content-Type"] = "application/x-amz-json-1.1", ["x-amzn-RequestId"] = "fake-request" }, System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary>An error as services with JSON give it.</summary>
    public static AwsReply JsonError(int status, string type, string message) =>
        Json(status, System.Text.Json.JsonSerializer.Serialize(new { __type = type, Message = message }));

    /// <summary>An error as S3 gives it.</summary>
    public static AwsReply S3Error(int status, string code, string message) => new(
        status, new Dictionary<string, string> { ["Content-Type"] = "application/xml" },
        System.Text.Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>fake</RequestId></Error>"));
}

/// <summary>What goes wrong with the next request that it is for.</summary>
/// <param name="Matches">Which.</param>
public sealed record AwsFault(Func<AwsRequest, bool> Matches)
{
    /// <summary>How many requests it strikes.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Answered so, and not done.</summary>
    public AwsReply? Instead { get; init; }

    /// <summary>Done, and then answered so.</summary>
    public AwsReply? After { get; init; }

    /// <summary>Done, and the connection broken instead of an answer.</summary>
    public bool LosesAnswer { get; init; }

    /// <summary>The answer breaks off after so many bytes of its body.</summary>
    public int? BreaksAfterBytes { get; init; }

    /// <summary>Held back and done only when the test says so; the connection is broken.</summary>
    public bool IsLate { get; init; }
}
