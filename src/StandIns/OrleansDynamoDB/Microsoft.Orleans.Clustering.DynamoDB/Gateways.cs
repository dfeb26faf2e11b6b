using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Clustering.DynamoDB;
using Orleans.Configuration;
using Orleans.DynamoDB;
using Orleans.Messaging;
using Orleans.Runtime;

namespace Orleans.Clustering.DynamoDB
{
    /// <summary>The silos that a client may connect to.</summary>
    internal sealed class DynamoDBGatewayListProvider(
        IOptions<DynamoDBGatewayOptions> options, IOptions<ClusterOptions> cluster, IOptions<GatewayOptions> gateways) : IGatewayListProvider
    {
        private readonly DynamoTable table = new(options.Value);

        public TimeSpan MaxStaleness => gateways.Value.GatewayListRefreshPeriod;

        public bool IsUpdatable => true;

        public Task InitializeGatewayListProvider() => table.InitializeAsync(SiloItem.HashKey, SiloItem.RangeKey, null, CancellationToken.None);

        public async Task<IList<Uri>> GetGateways()
        {
            var items = await table.QueryAsync($"{SiloItem.Cluster} = :cluster", new() { [":cluster"] = DynamoTable.Text(cluster.Value.ClusterId) });
            return [.. items
                .Where(item => SiloItem.NumberOf(item, SiloItem.Status) == (int)SiloStatus.Active && SiloItem.NumberOf(item, SiloItem.ProxyPort) > 0)
                .Select(item => SiloItem.AddressOf(item, SiloItem.ProxyPort).ToGatewayUri())];
        }
    }
}

namespace Orleans.Hosting
{
    public static partial class AwsUtilsHostingExtensions
    {
        public static IClientBuilder UseDynamoDBClustering(this IClientBuilder builder, Action<DynamoDBGatewayOptions> configureOptions) =>
            builder.UseDynamoDBClustering(options => options.Configure(configureOptions));

        public static IClientBuilder UseDynamoDBClustering(this IClientBuilder builder, Action<OptionsBuilder<DynamoDBGatewayOptions>> configureOptions)
        {
            configureOptions(builder.Services.AddOptions<DynamoDBGatewayOptions>());
            builder.Services.AddSingleton<IGatewayListProvider, DynamoDBGatewayListProvider>();
            return builder;
        }
    }
}
