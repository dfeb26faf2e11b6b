using System.Globalization;
using System.Text.RegularExpressions;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Configuration;

/// <summary>Reads <c>quality</c> of a pipeline, and <c>alerts</c> of a silo.</summary>
internal static class QualitySection
{
    /// <summary>What is expected of a pipeline's rows and flow.</summary>
    public static QualitySettings Read(ConfigSection section, string directory)
    {
        ExpectationSettings[] expectations = [.. section.Sections("expectations").SelectMany(one => ReadExpectations(one, directory))];
        foreach (var group in expectations.GroupBy(one => one.Name).Where(group => group.Count() > 1))
        {
            section.Fail("expectations", "a name of its own for each", group.Key);
        }

        var settings = new QualitySettings { Expectations = expectations, Heartbeat = ReadHeartbeat(section.Section("heartbeat")), Publish = section.Has("publish") ? ReadPublish(section.Section("publish"), directory) : null };
        section.RefuseOthers();
        return settings;
    }

    /// <summary>Where alerts go beside log, metric and stream.</summary>
    public static IReadOnlyList<WebhookConfig> ReadAlerts(ConfigSection section)
    {
        var webhooks = new List<WebhookConfig>();
        foreach (ConfigSection one in section.Sections("webhooks"))
        {
            string? text = one.Text("url", required: true, expected: "an address that alerts are posted to");
            WebhookFormat format = one.Choice("format", WebhookFormat.Slack, ("slack", WebhookFormat.Slack), ("sns", WebhookFormat.Sns), ("json", WebhookFormat.Json));
            if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https")
            {
                webhooks.Add(new WebhookConfig(url, format));
            }
            else if (text is not null)
            {
                one.Fail("url", "an address that begins with http:// or https://", "another"); // it may hold a secret
            }

            one.RefuseOthers();
        }

        section.RefuseOthers();
        return webhooks;
    }

    private static PublishSettings ReadPublish(ConfigSection section, string directory)
    {
        string branch = section.Text("branch") ?? new PublishSettings().Branch;
        if (branch == SnapshotRef.Main)
        {
            section.Fail("branch", "another branch than main", branch);
        }

        ExpectationSettings[] audit = [.. section.Sections("audit").SelectMany(one => ReadExpectations(one, directory))];
        foreach (ExpectationSettings one in audit.Where(one => one.Unique is not null || one.Action != ExpectationAction.Warn || one.Sample < 1))
        {
            section.Fail("audit", "expectations without unique, action and sample", one.Name);
        }

        section.RefuseOthers();
        return new PublishSettings { Branch = branch, Audit = audit };
    }

    /// <summary>One, or those that a file with a JSON Schema stands for.</summary>
    private static IReadOnlyList<ExpectationSettings> ReadExpectations(ConfigSection section, string directory)
    {
        string? file = section.Text("jsonSchema");
        ExpectationSettings? one = ReadExpectation(section, file is not null);
        if (file is null || one is null)
        {
            return one is null ? [] : [one];
        }

        try
        {
            return JsonSchemaExpectations.Of(File.ReadAllText(Path.GetFullPath(file, directory)), one);
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            section.Fail("jsonSchema", "a file with a JSON Schema", $"{file}: {error.Message}");
            return [];
        }
    }

    private static ExpectationSettings? ReadExpectation(ConfigSection section, bool isJsonSchema)
    {
        string? name = section.Text("name", required: true, expected: "a name");
        var settings = new ExpectationSettings
        {
            Name = name ?? "",
            Action = section.Choice("action", ExpectationAction.Warn, ("warn", ExpectationAction.Warn), ("dead-letter", ExpectationAction.DeadLetter), ("halt", ExpectationAction.Halt)),
            Sample = section.Share("sample", 1),
            Where = section.Text("where"),
            Column = section.Text("column"),
            NotNull = section.Flag("notNull", false),
            In = TextsOrNull(section, "in"),
            Least = section.Text("min"),
            Most = section.Text("max"),
            Matches = section.Text("matches"),
            Unique = TextsOrNull(section, "unique"),
            MaxNullShare = section.Optional<double>("maxNullShare", "a share from 0 to 1", Share),
            Window = section.Number("window", 100_000, 1, 10_000_000),
        };
        Check(section, settings, isJsonSchema);
        section.RefuseOthers();
        return name is null ? null : settings;
    }

    private static void Check(ConfigSection section, ExpectationSettings settings, bool isJsonSchema)
    {
        bool isBound = settings.Least is not null || settings.Most is not null;
        int kinds = new[] { settings.Where is not null, settings.NotNull, settings.In is not null, isBound, settings.Matches is not null, settings.Unique is not null, settings.MaxNullShare is not null, isJsonSchema }.Count(isSet => isSet);
        if (kinds != 1)
        {
            section.Fail("where", "one of where, notNull, in, min and max, matches, unique, maxNullShare, jsonSchema", $"{kinds} of them");
        }

        if (kinds == 1 && settings.Column is null == (settings.Where is null && settings.Unique is null && !isJsonSchema))
        {
            section.Fail("column", settings.Column is null ? "the column that it is about" : "nothing beside where, unique or jsonSchema", settings.Column);
        }

        if (settings.Sample < 1 && settings.Action != ExpectationAction.Warn)
        {
            section.Fail("sample", "1 (every batch), because its action is not warn", settings.Sample.ToString(CultureInfo.InvariantCulture));
        }

        if (settings.MaxNullShare is not null && settings.Action == ExpectationAction.DeadLetter)
        {
            section.Fail("action", "warn or halt: a share of nulls is of many records", "dead-letter");
        }

        if (settings.Where is { } where)
        {
            try
            {
                Expression.Parse(where);
            }
            catch (FormatException error)
            {
                section.Fail("where", "a condition in SQL", error.Message);
            }
        }

        if (settings.Matches is { } pattern)
        {
            try
            {
                _ = new Regex(pattern, RegexOptions.NonBacktracking);
            }
            catch (Exception error) when (error is ArgumentException or NotSupportedException)
            {
                section.Fail("matches", "a regular expression without look-arounds and back-references", error.Message);
            }
        }
    }

    private static HeartbeatSettings ReadHeartbeat(ConfigSection section)
    {
        var settings = new HeartbeatSettings
        {
            NoDataFor = section.OptionalDuration("noDataFor"),
            LeastPerMinute = section.Optional<double>("minPerMinute", "records a minute", Rate),
            MostPerMinute = section.Optional<double>("maxPerMinute", "records a minute", Rate),
            Window = section.Duration("window", TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)),
            MaxFreshness = section.OptionalDuration("maxFreshness"),
        };
        if (settings.LeastPerMinute > settings.MostPerMinute)
        {
            section.Fail("maxPerMinute", "no less than minPerMinute", settings.MostPerMinute?.ToString(CultureInfo.InvariantCulture));
        }

        section.RefuseOthers();
        return settings;
    }

    private static string[]? TextsOrNull(ConfigSection section, string key) => section.Has(key) ? section.Texts(key, "a list") : null;

    internal static double? Share(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1 ? share : null;

    private static double? Rate(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double rate) && rate >= 0 && double.IsFinite(rate) ? rate : null;
}
