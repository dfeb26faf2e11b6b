namespace OrleansLake.Silo.Configuration;

/// <summary>Tables of DynamoDB for the cluster's members, grain state and reminders, and how they are reached.</summary>
internal sealed record DynamoDbConfig
{
    /// <summary>The region; null with an <see cref="Endpoint"/>.</summary>
    public string? Region { get; init; }

    /// <summary>A DynamoDB on this machine or network, which takes any credentials: DynamoDB Local.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>A profile of the AWS command line; null: the SDK's default chain, the role of an ECS task among it.</summary>
    public string? Profile { get; init; }

    /// <summary>Keys instead of the default chain.</summary>
    public string? AccessKeyId { get; init; }

    /// <summary>Their secret: never logged.</summary>
    public string? SecretAccessKey { get; init; }

    /// <summary>The token of keys that expire.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Members of the cluster.</summary>
    public string MembersTable { get; init; } = "OrleansSilos";

    /// <summary>Grain state.</summary>
    public string StateTable { get; init; } = "OrleansGrainState";

    /// <summary>Reminders.</summary>
    public string RemindersTable { get; init; } = "OrleansReminders";

    /// <summary>Whether silos make the tables that are missing, and change their capacity; false: somebody else did, as deploy/terraform does.</summary>
    public bool CreateTables { get; init; } = true;

    /// <summary>Units of provisioned capacity; null: tables that silos make are paid by the request.</summary>
    public (int Read, int Write)? Capacity { get; init; }

    /// <summary>What the providers call the service: a region or an address.</summary>
    public string Service => Endpoint?.ToString() ?? Region ?? "";

    /// <inheritdoc />
    public override string ToString() => $"DynamoDB {Service}: {MembersTable}, {StateTable}, {RemindersTable}";
}

/// <summary>The section <c>orleans.dynamodb</c>.</summary>
internal static class DynamoDbSection
{
    private const int MostUnits = 40_000;

    /// <summary>Reads it; null where it is absent.</summary>
    public static DynamoDbConfig? Read(ConfigSection orleans)
    {
        if (!orleans.Has("dynamodb"))
        {
            return null;
        }

        ConfigSection section = orleans.Section("dynamodb");
        var names = new DynamoDbConfig();
        var config = new DynamoDbConfig
        {
            Region = section.Text("region"),
            Endpoint = section.Parsed("endpoint", "an address such as http://127.0.0.1:8000", text => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? uri : null),
            Profile = section.Text("profile"),
            AccessKeyId = section.Text("accessKeyId"),
            SecretAccessKey = section.Text("secretAccessKey"),
            SessionToken = section.Text("sessionToken"),
            MembersTable = Name(section, "membersTable", names.MembersTable),
            StateTable = Name(section, "stateTable", names.StateTable),
            RemindersTable = Name(section, "remindersTable", names.RemindersTable),
            CreateTables = section.Flag("createTables", true),
            Capacity = Capacity(section),
        };
        if (config.Region is null == config.Endpoint is null)
        {
            section.Fail("region", "a region such as eu-central-1, or endpoint instead", config.Region);
        }

        if (config.AccessKeyId is null != config.SecretAccessKey is null)
        {
            section.Fail(config.AccessKeyId is null ? "accessKeyId" : "secretAccessKey", "it, because the other half of the keys is there", null);
        }

        if ((config.SessionToken ?? config.Profile) is not null && config.AccessKeyId is null == (config.SessionToken is not null))
        {
            section.Fail(config.SessionToken is null ? "profile" : "sessionToken", config.SessionToken is null ? "nothing, because there are keys" : "nothing without accessKeyId", config.SessionToken is null ? config.Profile : null);
        }

        section.RefuseOthers();
        return config;
    }

    private static (int, int)? Capacity(ConfigSection orleans)
    {
        if (!orleans.Has("capacity"))
        {
            return null;
        }

        ConfigSection section = orleans.Section("capacity");
        (int, int) capacity = (section.Number("read", 10, 1, MostUnits), section.Number("write", 5, 1, MostUnits));
        section.RefuseOthers();
        return capacity;
    }

    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    private static string Name(ConfigSection section, string key, string otherwise) => section.Parsed(
        key, "3 to 255 letters, digits, dots, dashes and underscores",
        text => text.Length is >= 3 and <= 255 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_') ? text : null) ?? otherwise;
}
