using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;

namespace OrleansLake.Testing.Aws;

/// <summary>
/// Where a task of ECS finds the keys of its role. They end soon, so that the SDK asks again and again; others come when a test says so.
/// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
/// </summary>
public sealed class TaskRole : IAsyncDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, (string Secret, string? Token)> _lent = [];
    private AwsServer? _server;
    private volatile string _newest = Guid.NewGuid().ToString("N");

    private TaskRole()
    {
    }

    /// <summary>What ECS tells a container, and nothing in its way.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = new Uri(_server!.Address, "/v2/credentials/lake").ToString(),
        ["AWS_EC2_METADATA_DISABLED"] = "true",
        ["AWS_ACCESS_KEY_ID"] = "",
        ["AWS_SECRET_ACCESS_KEY"] = "",
        ["AWS_SESSION_TOKEN"] = "",
        ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null",
        ["AWS_CONFIG_FILE"] = "/dev/null",
    };

    /// <summary>Starts it.</summary>
    public static async Task<TaskRole> StartAsync()
    {
        var role = new TaskRole();
        role._server = await AwsServer.StartAsync((_, _) => Task.FromResult(role.Lend()));
        return role;
    }

    /// <summary>From now on lends other keys; those before are still good.</summary>
    public void Renew() => _newest = Guid.NewGuid().ToString("N");

    /// <summary>What a key that was lent goes with.</summary>
    public (string Secret, string? Token)? SecretOf(string accessKeyId) => _lent.TryGetValue(accessKeyId, out (string Secret, string? Token) keys) ? keys : null;

    /// <summary>With how many of its keys a server was asked.</summary>
    public int UsedAt(AwsServer server) => _lent.Keys.Count(key => server.Requests.Any(request => request.Headers.GetValueOrDefault("Authorization", "").Contains($"Credential={key}/", StringComparison.Ordinal)));

    /// <summary>Whether a text holds one of the secrets.</summary>
    public bool IsTold(string text) => _lent.Values.Any(keys => text.Contains(keys.Secret, StringComparison.Ordinal) || text.Contains(keys.Token!, StringComparison.Ordinal));

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private AwsReply Lend()
    {
        string name = _newest;
        (string id, string secret, string token) = ("ASIA" + name[..16].ToUpperInvariant(), "secret/" + name, "token+" + name);
        _lent[id] = (secret, token);
        return AwsReply.Json(200, JsonSerializer.Serialize(new
        {
            RoleArn = "arn:aws:iam::123456789012:role/lake-task",
            AccessKeyId = id,
            SecretAccessKey = secret,
            Token = token,
            Expiration = TimeProvider.System.GetUtcNow().Add(Life).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        }));
    }
}
