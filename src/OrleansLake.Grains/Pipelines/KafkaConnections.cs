using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Grains;

/// <summary>How this silo reaches the brokers of each pipeline: settings with secrets in them, which therefore stay here.</summary>
public sealed class KafkaConnections : IDisposable
{
    private const string BootstrapServers = "bootstrap.servers";
    private const string Group = "group.id";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, KafkaLookup> _lookups = [];
    private readonly Dictionary<(string Pipeline, string Topic), DeadLetterTopic> _deadLetters = [];
    private readonly List<(string Pipeline, WeakReference<KafkaSource> Source)> _sources = [];
    private readonly IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> _byPipeline;
    private readonly ILoggerFactory _loggers;
    private readonly AwsKeySource? _awsKeys;
    private readonly TimeProvider? _time;
    private readonly IKafkaLogins? _logins;

    /// <summary>Connections by each pipeline's settings.</summary>
    /// <param name="byPipeline">The settings, by pipeline.</param>
    /// <param name="loggers">Where clients log.</param>
    /// <param name="awsKeys">Keys that tokens for MSK are signed with; null: there are none.</param>
    /// <param name="time">Dates tokens.</param>
    /// <param name="logins">Logins that are kept elsewhere; null: the settings have them.</param>
    public KafkaConnections(
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> byPipeline, ILoggerFactory loggers, AwsKeySource? awsKeys = null, TimeProvider? time = null,
        IKafkaLogins? logins = null)
    {
        (_byPipeline, _loggers, _awsKeys, _time, _logins) = (byPipeline, loggers, awsKeys, time, logins);
        if (logins is not null)
        {
            logins.Changed += OnLogin;
        }
    }

    /// <summary>A pipeline's brokers.</summary>
    /// <exception cref="PipelineTroubleException">This silo has no settings for it.</exception>
    public string BootstrapOf(string pipeline) => SettingsOf(pipeline)[BootstrapServers];

    /// <summary>The group under which people's lag tools find a pipeline.</summary>
    public string GroupOf(string pipeline) => SettingsOf(pipeline).TryGetValue(Group, out string? group) ? group : $"orleanslake-{pipeline}";

    /// <summary>A source of its own for a pump.</summary>
    public KafkaSource OpenSource(string pipeline)
    {
        var settings = new Dictionary<string, string>(SettingsOf(pipeline)) { [Group] = GroupOf(pipeline) };
        settings.Remove(BootstrapServers);
        var source = new KafkaSource(new KafkaSourceOptions { BootstrapServers = BootstrapOf(pipeline), Settings = settings, Tokens = TokensOf(pipeline), Log = LogOf(pipeline) });
        lock (_lock)
        {
            _sources.RemoveAll(one => !one.Source.TryGetTarget(out _));
            _sources.Add((pipeline, new WeakReference<KafkaSource>(source)));
        }

        // It may have changed between the look at the settings and this.
        if (_logins?.Of(pipeline) is { } login)
        {
            source.SetLogin(login.Username, login.Password);
        }

        return source;
    }

    /// <summary>The client for questions, one a pipeline.</summary>
    public KafkaLookup LookupOf(string pipeline)
    {
        lock (_lock)
        {
            if (!_lookups.TryGetValue(pipeline, out KafkaLookup? lookup))
            {
                _lookups.Add(pipeline, lookup = new KafkaLookup(BootstrapOf(pipeline), SettingsOf(pipeline), LogOf(pipeline), tokens: TokensOf(pipeline)));
            }

            return lookup;
        }
    }

    /// <summary>Where the dead letters of a pipeline are sent to, if that is a topic: whoever sends last has ended what others had on their way.</summary>
    public DeadLetterTopic? DeadLettersOf(PipelineDefinition definition)
    {
        if (definition.DeadLetters is not { Mode: DeadLetterMode.Topic, Topic: { } topic })
        {
            return null;
        }

        string name = definition.Name;
        lock (_lock)
        {
            if (!_deadLetters.TryGetValue((name, topic), out DeadLetterTopic? letters))
            {
                letters = new DeadLetterTopic(topic, $"orleanslake-dead-letters-{name}", BootstrapOf(name), SettingsOf(name), LogOf(name), TokensOf(name));
                _deadLetters.Add((name, topic), letters);
            }

            return letters;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_logins is not null)
        {
            _logins.Changed -= OnLogin;
        }

        lock (_lock)
        {
            foreach (KafkaLookup lookup in _lookups.Values)
            {
                lookup.Dispose();
            }

            _lookups.Clear();
            foreach (DeadLetterTopic letters in _deadLetters.Values)
            {
                letters.Dispose();
            }

            _deadLetters.Clear();
        }
    }

    private IReadOnlyDictionary<string, string> SettingsOf(string pipeline)
    {
        if (!_byPipeline.TryGetValue(pipeline, out IReadOnlyDictionary<string, string>? settings))
        {
            throw new PipelineTroubleException($"pipeline {pipeline}: this silo has no Kafka settings for it; add it to \"pipelines\" in its configuration");
        }

        return _logins?.Of(pipeline) is { } login
            ? new Dictionary<string, string>(settings) { ["sasl.username"] = login.Username, ["sasl.password"] = login.Password }
            : settings;
    }

    /// <summary>Clients that stand get the new login, and use it when they connect again.</summary>
    private void OnLogin(string pipeline, KafkaLogin login)
    {
        lock (_lock)
        {
            if (_lookups.TryGetValue(pipeline, out KafkaLookup? lookup))
            {
                lookup.SetLogin(login.Username, login.Password);
            }

            foreach (((string of, _), DeadLetterTopic letters) in _deadLetters)
            {
                if (of == pipeline)
                {
                    letters.SetLogin(login.Username, login.Password);
                }
            }

            foreach ((string of, WeakReference<KafkaSource> reference) in _sources)
            {
                if (of == pipeline && reference.TryGetTarget(out KafkaSource? source))
                {
                    source.SetLogin(login.Username, login.Password);
                }
            }
        }
    }

    private IBearerTokens? TokensOf(string pipeline) => KafkaSecurity.TokensOf(BootstrapOf(pipeline), SettingsOf(pipeline), _awsKeys, _time ?? TimeProvider.System);

    private Action<KafkaLogLine> LogOf(string pipeline)
    {
        ILogger logger = _loggers.CreateLogger("OrleansLake.Kafka");
        return line => logger.LogKafkaLine(pipeline, $"{line.Facility} {line.Text}");
    }
}
