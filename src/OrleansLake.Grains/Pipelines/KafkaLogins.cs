namespace OrleansLake.Grains;

/// <summary>A user of Kafka and what he proves himself with.</summary>
/// <param name="Username">Who.</param>
/// <param name="Password">The secret.</param>
public sealed record KafkaLogin(string Username, string Password)
{
    /// <summary>Nothing that is secret.</summary>
    public override string ToString() => "a Kafka login";
}

/// <summary>Logins that are kept elsewhere and change while a silo runs.</summary>
public interface IKafkaLogins
{
    /// <summary>A pipeline's login as it was last read; null: its settings have all that they need.</summary>
    /// <exception cref="PipelineTroubleException">It could not be read yet.</exception>
    KafkaLogin? Of(string pipeline);

    /// <summary>The login of a pipeline is another one now.</summary>
    event Action<string, KafkaLogin>? Changed;
}
