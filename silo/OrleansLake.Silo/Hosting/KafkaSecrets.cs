using OrleansLake.Aws;
using OrleansLake.Grains;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>
/// Keeps the Kafka logins that secrets hold: read before the first pipeline starts, and again every while, so that a rotation
/// needs no restart. What cannot be read is the trouble of its pipeline, and tried again; a login that was read serves on.
/// </summary>
internal sealed class KafkaSecrets(SiloConfig config, SecretReader secrets, TimeProvider time, ILogger<KafkaSecrets> logger) : ILifecycleParticipant<ISiloLifecycle>, IKafkaLogins
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, Known> _known = config.Pipelines
        .Where(pipeline => pipeline.Secret is not null)
        .ToDictionary(pipeline => pipeline.Definition.Name, pipeline => new Known(pipeline.Secret!));

    private Task _running = Task.CompletedTask;

    /// <inheritdoc />
    public event Action<string, KafkaLogin>? Changed;

    /// <inheritdoc />
    public KafkaLogin? Of(string pipeline) => !_known.TryGetValue(pipeline, out Known? known) ? null
        : known.Login ?? throw new PipelineTroubleException($"pipeline {pipeline}: {known.Trouble ?? "its Kafka secret is being read"}");

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(KafkaSecrets), ServiceLifecycleStage.RuntimeInitialize, StartAsync, StopAsync);

    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_known.Select(one => ReadAsync(one.Key, one.Value, cancellationToken)));
        _running = Task.WhenAll(_known.Select(one => Task.Run(() => FollowAsync(one.Key, one.Value), CancellationToken.None)));
    }

    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _running;
    }

    private async Task FollowAsync(string pipeline, Known known)
    {
        try
        {
            while (true)
            {
                await Task.Delay(known.Trouble is null ? known.Config.Refresh : PauseAfterFailure, time, _stop.Token);
                await ReadAsync(pipeline, known, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
    }

    private async Task ReadAsync(string pipeline, Known known, CancellationToken cancellationToken)
    {
        KafkaLogin login;
        try
        {
            string secret = await secrets.ReadAsync(known.Config.Place, cancellationToken);
            (string username, string password) = SecretReader.Fields(secret, known.Config.Place, known.Config.UsernameField, known.Config.PasswordField);
            login = new KafkaLogin(username, password);
        }
        catch (IOException error)
        {
            if (known.Trouble != error.Message)
            {
                known.Trouble = error.Message;
                logger.LogSecretTrouble(pipeline, error.Message);
            }

            return;
        }

        known.Trouble = null;
        KafkaLogin? before = known.Login;
        known.Login = login;
        if (before is not null && before != login)
        {
            Changed?.Invoke(pipeline, login);
            logger.LogSecretChanged(pipeline, known.Config.Place.Name);
        }
    }

    private sealed class Known(KafkaSecretConfig config)
    {
        public KafkaSecretConfig Config => config;

        public KafkaLogin? Login { get; set; }

        public string? Trouble { get; set; }
    }
}
