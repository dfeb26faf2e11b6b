using System.Net;

namespace Orleans.Configuration;

public class SiloOptions
{
    public string? SiloName { get; set; }
}

public class SiloMessagingOptions : MessagingOptions
{
    public int MaxForwardCount { get; set; } = 2;
}

public class EndpointOptions
{
    public const int DEFAULT_SILO_PORT = 11111;
    public const int DEFAULT_GATEWAY_PORT = 30000;

    public IPAddress? AdvertisedIPAddress { get; set; }
    public int SiloPort { get; set; } = DEFAULT_SILO_PORT;
    public int GatewayPort { get; set; } = DEFAULT_GATEWAY_PORT;
    public IPEndPoint? SiloListeningEndpoint { get; set; }
    public IPEndPoint? GatewayListeningEndpoint { get; set; }
}

public class GrainCollectionOptions
{
    public TimeSpan CollectionQuantum { get; set; } = TimeSpan.FromMinutes(1);
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);
    public Dictionary<string, TimeSpan> ClassSpecificCollectionAge { get; set; } = [];
    public TimeSpan ActivationTimeout { get; set; } = TimeSpan.FromSeconds(30);
    public TimeSpan DeactivationTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

public class MemoryGrainStorageOptions
{
    public int NumStorageGrains { get; set; } = 10;
}
