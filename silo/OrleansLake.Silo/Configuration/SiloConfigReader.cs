using System.Net;
using System.Text.RegularExpressions;
using OrleansLake.Aws;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Registry;
using OrleansLake.Silo.Telemetry;
using OrleansLake.Terminal;

namespace OrleansLake.Silo.Configuration;

/// <summary>The configuration is wrong; each error stands on its own line: place, expectation, finding.</summary>
internal sealed class ConfigException(string source, IReadOnlyList<string> errors) : ListedErrorsException(source, errors);

/// <summary>
/// Reads a configuration file, with environment variables over it (<c>ORLEANSLAKE__HTTP__URL</c>,
/// <c>ORLEANSLAKE__PIPELINES__0__TABLE</c>). Relative paths are relative to the file's directory.
/// </summary>
internal static partial class SiloConfigReader
{
    /// <summary>What the variables' names begin with.</summary>
    public const string EnvironmentPrefix = "ORLEANSLAKE__";

    /// <summary>What a path begins with when it is the name of a variable that holds the whole configuration, as in a container.</summary>
    public const string VariablePrefix = "env:";

    /// <summary>Reads a file, or a variable (<c>env:NAME</c>). <see cref="ConfigException"/> with every error at once.</summary>
    public static SiloConfig ReadFile(string path)
    {
        string? variable = path.StartsWith(VariablePrefix, StringComparison.Ordinal) ? path[VariablePrefix.Length..] : null;
        string full = Path.GetFullPath(variable is null ? path : "config");
        string? text = variable is null ? null : Environment.GetEnvironmentVariable(variable);
        if (variable is null ? !File.Exists(full) : string.IsNullOrWhiteSpace(text))
        {
            throw new ConfigException(path, [variable is null ? "expected a configuration file, found none" : "expected a configuration in this variable, found none"]);
        }

        IConfigurationRoot configuration;
        try
        {
            var builder = new ConfigurationBuilder();
            _ = text is null
                ? builder.AddJsonFile(full, optional: false, reloadOnChange: false)
                : builder.AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)));
            configuration = builder.AddEnvironmentVariables(EnvironmentPrefix).Build();
        }
        catch (Exception error) when (error is InvalidDataException or System.Text.Json.JsonException)
        {
            throw new ConfigException(path, [$"expected JSON, found: {error.InnerException?.Message ?? error.Message}"]);
        }

        return Read(configuration, path, Path.GetDirectoryName(full)!);
    }

    /// <summary>Reads a configuration from anywhere.</summary>
    public static SiloConfig Read(IConfiguration configuration, string source, string directory)
    {
        var errors = new List<string>();
        var root = new ConfigSection(configuration, "", errors);
        LakeCatalogOptions tables = CatalogSection.Read(root, directory);
        string catalog = ReadCatalogName(root.Section("catalog"), tables);
        Uri url = ReadUrl(root.Section("http"), new Uri("http://127.0.0.1:8080"));
        DashboardConfig dashboard = ReadDashboard(root.Section("dashboard"));
        OrleansConfig orleans = ReadOrleans(root.Section("orleans"));
        LogConfig logs = ReadLogs(root.Section("logs"), directory);
        ConfigSection alerts = root.Section("alerts");
        bool alertStream = alerts.Flag("stream", false);
        IReadOnlyList<WebhookConfig> webhooks = QualitySection.ReadAlerts(alerts);
        MetricsConfig metrics = MetricsConfig.Read(root.Section("metrics"));
        long budget = root.SizeBytes("memoryBudget", 256L << 20, 16L << 20);
        MaintenanceConfig maintenance = MaintenanceSection.Read(root.Section("maintenance"));
        IReadOnlyList<ConfigSection> sections = root.Sections("pipelines");
        if (sections.Count == 0)
        {
            root.Fail("pipelines", "at least one pipeline", null);
        }

        PipelineConfig?[] pipelines = [.. sections.Select(section => ReadPipeline(section, catalog, directory, maintenance))];
        foreach (IGrouping<string, PipelineConfig> group in pipelines.OfType<PipelineConfig>().GroupBy(pipeline => pipeline.Definition.Name).Where(group => group.Count() > 1))
        {
            errors.Add($"pipelines: expected a name of its own for each, found \"{group.Key}\" {group.Count()} times");
        }

        foreach (var table in pipelines.OfType<PipelineConfig>().GroupBy(pipeline => pipeline.Definition.Table).Where(table => table.Select(pipeline => pipeline.Definition.Quality.Publish?.Branch).Distinct().Count() > 1))
        {
            errors.Add($"pipelines: expected all pipelines of table {table.Key} to write to one branch (quality.publish.branch), found several");
        }

        if (dashboard.Url is { } at && at.Port == url.Port)
        {
            errors.Add($"dashboard.url: expected another port than http.url, found {at.Port}");
        }

        root.RefuseOthers();
        return errors.Count == 0
            ? new SiloConfig
            {
                Warehouse = tables.Warehouse,
                Tables = tables,
                Catalog = catalog,
                HttpUrl = url,
                Orleans = orleans,
                Dashboard = dashboard,
                Logs = logs,
                Metrics = metrics,
                MemoryBudgetBytes = budget,
                AlertStream = alertStream,
                Webhooks = webhooks,
                Maintenance = maintenance,
                Pipelines = [.. pipelines.OfType<PipelineConfig>()],
            }
            : throw new ConfigException(source, errors);
    }

    private static string ReadCatalogName(ConfigSection section, LakeCatalogOptions tables)
    {
        string name = section.Text("name") ?? tables.Type.ToString().ToLowerInvariant();
        if (!NamePattern().IsMatch(name))
        {
            section.Fail("name", "letters, digits, dot, dash, underscore", name);
        }

        return name;
    }

    private static Uri ReadUrl(ConfigSection section, Uri otherwise)
    {
        Uri url = otherwise;
        if (section.Text("url") is { } text)
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out Uri? given) && given.Scheme == Uri.UriSchemeHttp && given.PathAndQuery == "/")
            {
                url = given;
            }
            else
            {
                section.Fail("url", $"an address such as {otherwise.GetLeftPart(UriPartial.Authority)}", text);
            }
        }

        section.RefuseOthers();
        return url;
    }

    private static OrleansConfig ReadOrleans(ConfigSection section)
    {
        bool fromEcs = "ecs".Equals(section.Text("address"), StringComparison.OrdinalIgnoreCase);
        Clustering clustering = section.Choice(
            "clustering", Clustering.Localhost, ("localhost", Clustering.Localhost), ("warehouse", Clustering.Warehouse), ("dynamodb", Clustering.DynamoDb), ("development", Clustering.Development));
        var config = new OrleansConfig
        {
            Clustering = clustering,
            Primary = section.Parsed("primary", "an address and port such as 10.0.0.1:11111", text => IPEndPoint.TryParse(text, out IPEndPoint? value) && value.Port > 0 ? value : null),
            AddressFromEcs = fromEcs,
            Address = fromEcs ? IPAddress.Any : section.Parsed("address", "an IP address of this host, or ecs", text => IPAddress.TryParse(text, out IPAddress? value) ? value : null) ?? IPAddress.Loopback,
            SiloPort = section.Number("siloPort", 11111, 1, 65535),
            GatewayPort = section.Number("gatewayPort", 30000, 1, 65535),
            ClusterId = ReadId(section, "clusterId"),
            ServiceId = ReadId(section, "serviceId"),
            ProbeInterval = section.Duration("probeInterval", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(1)),
            DeadSilos = section.Duration("deadSilos", TimeSpan.FromDays(7), TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)),
            State = section.Choice(
                "state", clustering == Clustering.DynamoDb ? StateKeeping.DynamoDb : StateKeeping.Warehouse,
                ("warehouse", StateKeeping.Warehouse), ("dynamodb", StateKeeping.DynamoDb), ("memory", StateKeeping.Memory)),
            DynamoDb = DynamoDbSection.Read(section),
        };
        if ((config.Clustering == Clustering.DynamoDb || config.State == StateKeeping.DynamoDb) != config.DynamoDb is not null)
        {
            section.Fail("dynamodb", config.DynamoDb is null ? "region or endpoint, because clustering or state is dynamodb" : "nothing unless clustering or state is dynamodb", null);
        }

        if (config.SiloPort == config.GatewayPort)
        {
            section.Fail("gatewayPort", "another port than siloPort", config.GatewayPort.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        if (config.Clustering == Clustering.Development != config.Primary is not null)
        {
            section.Fail("primary", config.Primary is null ? "the address and port of one silo, because clustering is development" : "nothing unless clustering is development", config.Primary?.ToString());
        }

        if (config is { Clustering: Clustering.Localhost, Address: { } address } && !IPAddress.IsLoopback(address))
        {
            section.Fail("address", "nothing unless clustering is warehouse, dynamodb or development", section.Text("address"));
        }

        if (config is { Clustering: not Clustering.Localhost, State: StateKeeping.Memory })
        {
            section.Fail("state", "warehouse or dynamodb, because the silos of a cluster share it", "memory");
        }

        section.RefuseOthers();
        return config;
    }

    private static string ReadId(ConfigSection section, string key)
    {
        string id = section.Text(key) ?? "orleanslake";
        if (!NamePattern().IsMatch(id) || id[0] == '.')
        {
            section.Fail(key, "letters, digits, dot, dash, underscore", id); // it names a directory
        }

        return id;
    }

    private static DashboardConfig ReadDashboard(ConfigSection section)
    {
        bool enabled = section.Flag("enabled", false);
        Uri url = ReadUrl(section, new Uri("http://127.0.0.1:8090"));
        return new DashboardConfig { Url = enabled ? url : null };
    }

    private static LogConfig ReadLogs(ConfigSection section, string directory)
    {
        var config = new LogConfig
        {
            Json = section.Choice("format", false, ("text", false), ("json", true)),
            Level = section.Choice(
                "level", LogLevel.Information, ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information),
                ("warning", LogLevel.Warning), ("error", LogLevel.Error)),
            File = section.Text("file") is { } file ? Path.GetFullPath(file, directory) : null,
        };
        section.RefuseOthers();
        return config;
    }

    private static PipelineConfig? ReadPipeline(ConfigSection section, string catalog, string directory, MaintenanceConfig maintenance)
    {
        string? name = section.Text("name", required: true, expected: "a name");
        if (name is not null && !NamePattern().IsMatch(name))
        {
            section.Fail("name", "letters, digits, dot, dash, underscore", name);
        }

        string[] topics = SourcesSection.ReadTopics(section);
        string? pattern = SourcesSection.ReadPattern(section);

        string? table = section.Text("table", required: true, expected: "namespace.table");
        if (table is not null && !IsTableIdentifier(table))
        {
            section.Fail("table", "namespace.table", table);
        }

        bool create = section.Flag("createTable", false);
        string? ddl = ReadDdl(section, create, directory);
        Dictionary<string, string> kafka = ReadKafka(section);
        KafkaSecretConfig? secret = KafkaSecretConfig.Read(section.Section("kafkaSecret"), kafka);
        var generation = section.Text("generation") ?? "1";
        TimeSpan flush = section.Duration("flushInterval", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        (PipelineStart start, long? startAtMs) = SourcesSection.ReadStart(section);
        string? where = SourcesSection.ReadWhere(section);
        string? startOffsets = SourcesSection.ReadOffsets(section);
        DataLossAction loss = section.Choice("onDataLoss", DataLossAction.Stop, ("stop", DataLossAction.Stop), ("continue", DataLossAction.Continue));
        long target = section.SizeBytes("targetFileSize", 512L << 20, 1L << 20);
        SchemaRegistrySettings? registry = RegistrySection.Read(section, directory);
        RecordSettings? records = RecordsSection.Read(section, section.Has("schemaRegistry"));
        DeadLetterSettings deadLetters = DeadLettersSection.Read(section.Section("deadLetters"));
        QualitySettings quality = QualitySection.Read(section.Section("quality"), directory);
        IReadOnlyDictionary<string, string>? upkeep = MaintenanceSection.ReadSettings(section.Section("maintenance"), maintenance.Settings);
        section.RefuseOthers();
        return name is null || table is null
            ? null
            : new PipelineConfig(
                new PipelineDefinition
                {
                    Name = name,
                    Generation = generation,
                    Topics = topics,
                    Catalog = catalog,
                    Table = table,
                    Ddl = ddl,
                    CreateTable = create,
                    FlushInterval = flush,
                    TopicPattern = pattern,
                    Start = start,
                    StartAtMs = startAtMs,
                    Where = where,
                    StartOffsets = startOffsets,
                    OnDataLoss = loss,
                    TargetFileSizeBytes = target,
                    Records = records,
                    DeadLetters = deadLetters,
                    Quality = quality,
                },
                kafka)
            {
                Maintenance = upkeep,
                Secret = secret,
                Registry = registry,
            };
    }

    private static string? ReadDdl(ConfigSection section, bool create, string directory)
    {
        string? ddl = section.Text("ddl");
        if (section.Text("ddlFile") is { } file)
        {
            string path = Path.GetFullPath(file, directory);
            if (ddl is not null)
            {
                section.Fail("ddlFile", "either ddl or ddlFile", file);
            }
            else if (!File.Exists(path))
            {
                section.Fail("ddlFile", "a file with a CREATE TABLE statement", file);
            }
            else
            {
                ddl = File.ReadAllText(path);
            }
        }

        if (ddl is not null)
        {
            try
            {
                Ddl.ParseCreateTable(ddl);
            }
            catch (DdlException error)
            {
                section.Fail("ddl", "a CREATE TABLE statement", error.Message);
            }
        }

        if (create && ddl is null)
        {
            section.Fail("ddl", "a CREATE TABLE statement here or in ddlFile, because createTable is true", null);
        }

        return ddl;
    }

    private static Dictionary<string, string> ReadKafka(ConfigSection section)
    {
        Dictionary<string, string> kafka = section.Map("kafka");
        ConfigSection place = section.Section("kafka");
        if (!kafka.TryGetValue("bootstrap.servers", out string? bootstrap) || string.IsNullOrWhiteSpace(bootstrap))
        {
            place.Fail("bootstrap.servers", "host:port[,host:port…]", null);
            return kafka;
        }

        try
        {
            KafkaSettings.OfConsumer(bootstrap, kafka);
        }
        catch (KafkaSettingException error)
        {
            place.Fail(error.Setting, "a setting that may be changed", error.Message);
        }

        return kafka;
    }

    private static bool IsTableIdentifier(string text)
    {
        string[] parts = text.Split('.');
        return parts.Length >= 2 && parts.All(part => IdentifierPattern().IsMatch(part)) && TableIdentifier.Parse(text).Name.Length > 0;
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,249}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[A-Za-z0-9_-]{1,255}$")]
    private static partial Regex IdentifierPattern();
}
