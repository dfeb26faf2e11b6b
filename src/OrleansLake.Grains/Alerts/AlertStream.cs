using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>Tells alerts to an Orleans stream: one a pipeline, by its name.</summary>
public sealed class AlertStream(IServiceProvider services) : IAlertSink
{
    /// <inheritdoc />
    public Task TellAsync(LakeAlert alert, CancellationToken cancellationToken) =>
        services.GetRequiredKeyedService<IStreamProvider>(LakeAlert.StreamProvider)
            .GetStream<LakeAlert>(StreamId.Create(LakeAlert.StreamNamespace, alert.Pipeline))
            .OnNextAsync(alert).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public override string ToString() => "the stream of alerts";
}
