using System.Globalization;
using System.Text.Json.Nodes;

namespace OrleansLake.Testing.Aws;

/// <summary>
/// The Glue Data Catalog as its API reference has it, for what other fakes leave out: <c>UpdateTable</c> compares
/// <c>VersionId</c>. Answers requests of an <see cref="AwsServer"/>. https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
/// </summary>
public sealed class FakeGlue
{
    private const int PageSize = 2;
    private const string Account = "123456789012";

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonObject> _databases = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, JsonObject> _tables = new(StringComparer.Ordinal);
    private double _clock = 1_700_000_000;

    /// <summary>Versions that were archived: those that were replaced without <c>SkipArchive</c>.</summary>
    public int Archived { get; private set; }

    public Task<AwsReply> AnswerAsync(AwsRequest request, CancellationToken cancellationToken)
    {
        if (!request.Headers.GetValueOrDefault("X-Amz-Target", "").StartsWith("AWSGlue.", StringComparison.Ordinal))
        {
            return Task.FromResult(AwsReply.JsonError(400, "UnknownOperationException", "no target"));
        }

        var input = JsonNode.Parse(request.Body)!.AsObject();
        if (Text(input, "CatalogId") is { } catalog && catalog != Account)
        {
            return Task.FromResult(AwsReply.JsonError(400, "AccessDeniedException", $"User is not authorized to access catalog {catalog}"));
        }

        lock (_lock)
        {
            try
            {
                return Task.FromResult(AwsReply.Json(200, Do(request.Action, input).ToJsonString()));
            }
            catch (Refusal e)
            {
                return Task.FromResult(AwsReply.JsonError(400, e.Type, e.Message));
            }
        }
    }

    /// <summary>A table as it is kept; null when there is none.</summary>
    public JsonObject? Table(string database, string name)
    {
        lock (_lock)
        {
            return _tables.GetValueOrDefault($"{database}/{name}")?.DeepClone().AsObject();
        }
    }

    /// <summary>Another client changes a table, as a console or crawler does.</summary>
    public void Touch(string database, string name, Action<JsonObject> change)
    {
        lock (_lock)
        {
            var table = _tables[$"{database}/{name}"];
            change(table);
            table["VersionId"] = Next(table);
        }
    }

    private JsonObject Do(string action, JsonObject input)
    {
        switch (action)
        {
            case "CreateDatabase":
                var database = Object(input, "DatabaseInput");
                string name = Name(database);
                Require(!_databases.ContainsKey(name), "AlreadyExistsException", "Database already exists.");
                _databases[name] = Stored(database, name);
                return [];
            case "GetDatabase":
                return new JsonObject { ["Database"] = Database(Text(input, "Name")!).DeepClone() };
            case "GetDatabases":
                return Page(input, "DatabaseList", [.. _databases.Values]);
            case "UpdateDatabase":
                Database(Text(input, "Name")!);
                _databases[Text(input, "Name")!] = Stored(Object(input, "DatabaseInput"), Text(input, "Name")!);
                return [];
            case "DeleteDatabase":
                Database(Text(input, "Name")!);
                _databases.Remove(Text(input, "Name")!);
                foreach (string key in _tables.Keys.Where(key => key.StartsWith(Text(input, "Name") + "/", StringComparison.Ordinal)).ToList())
                {
                    _tables.Remove(key);
                }

                return [];
            case "CreateTable":
                Database(Text(input, "DatabaseName")!);
                var made = Object(input, "TableInput");
                string created = $"{Text(input, "DatabaseName")}/{Name(made)}";
                Require(!_tables.ContainsKey(created), "AlreadyExistsException", "Table already exists.");
                made = Stored(made, Name(made));
                (made["DatabaseName"], made["VersionId"], made["UpdateTime"]) = (Text(input, "DatabaseName"), "0", _clock);
                _tables[created] = made;
                return [];
            case "GetTable":
                return new JsonObject { ["Table"] = Table(input, Text(input, "Name")!).DeepClone() };
            case "GetTables":
                Database(Text(input, "DatabaseName")!);
                return Page(input, "TableList", [.. _tables.Values.Where(table => Text(table, "DatabaseName") == Text(input, "DatabaseName"))]);
            case "UpdateTable":
                var update = Object(input, "TableInput");
                var old = Table(input, Name(update));
                Require(Text(input, "VersionId") is not { } version || version == Text(old, "VersionId"), "ConcurrentModificationException", "Update table failed due to concurrent modifications.");
                Archived += input["SkipArchive"]?.GetValue<bool>() == true ? 0 : 1;
                var stored = Stored(update, Name(update));
                (stored["DatabaseName"], stored["VersionId"], stored["CreateTime"], stored["UpdateTime"]) =
                    (Text(input, "DatabaseName"), Next(old), old["CreateTime"]!.GetValue<double>(), _clock);
                _tables[$"{Text(input, "DatabaseName")}/{Name(update)}"] = stored;
                return [];
            case "DeleteTable":
                Table(input, Text(input, "Name")!);
                _tables.Remove($"{Text(input, "DatabaseName")}/{Text(input, "Name")}");
                return [];
            default:
                throw new Refusal("UnknownOperationException", action);
        }
    }

    private JsonObject Stored(JsonObject input, string name)
    {
        var stored = input.DeepClone().AsObject();
        stored["Name"] = name;
        stored["CatalogId"] = Account;
        stored["CreateTime"] = _clock += 1.5;
        return stored;
    }

    private JsonObject Database(string name) =>
        _databases.TryGetValue(name.ToLowerInvariant(), out var found) ? found : throw new Refusal("EntityNotFoundException", $"Database {name} not found.");

    private JsonObject Table(JsonObject input, string name)
    {
        Database(Text(input, "DatabaseName")!);
        return _tables.TryGetValue($"{Text(input, "DatabaseName")}/{name}", out var found) ? found : throw new Refusal("EntityNotFoundException", $"Entity Not Found: {name}");
    }

    private static JsonObject Page(JsonObject input, string member, List<JsonObject> all)
    {
        int first = int.Parse(Text(input, "NextToken") ?? "0", CultureInfo.InvariantCulture);
        var page = new JsonObject { [member] = new JsonArray([.. all.Skip(first).Take(PageSize).Select(one => one.DeepClone())]) };
        if (first + PageSize < all.Count)
        {
            page["NextToken"] = (first + PageSize).ToString(CultureInfo.InvariantCulture);
        }

        return page;
    }

    private static string Next(JsonObject table) => (int.Parse(Text(table, "VersionId")!, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);

    private static string Name(JsonObject input)
    {
        // Glue takes capitals and keeps small letters.
        string name = Text(input, "Name") ?? throw new Refusal("ValidationException", "1 validation error detected: Value null at 'name' failed to satisfy constraint");
        return name.Length is > 0 and <= 255 ? name.ToLowerInvariant() : throw new Refusal("ValidationException", "length");
    }

    private static JsonObject Object(JsonObject input, string member) => input[member]?.AsObject() ?? throw new Refusal("InvalidInputException", $"{member} is missing");

    private static string? Text(JsonObject input, string member) => input[member]?.GetValue<string>();

    private static void Require(bool holds, string type, string message)
    {
        if (!holds)
        {
            throw new Refusal(type, message);
        }
    }

    private sealed class Refusal(string type, string message) : Exception(message)
    {
        public string Type => type;
    }
}
