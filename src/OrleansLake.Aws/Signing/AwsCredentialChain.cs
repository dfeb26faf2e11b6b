using Amazon.Runtime.Credentials;

namespace OrleansLake.Aws;

/// <summary>The keys that the SDK's default chain has now: variables, profile, web identity, the ECS task's role, the instance's role.</summary>
public static class AwsCredentialChain
{
    /// <summary>Asks it. Temporary keys are renewed inside, so ask each time.</summary>
    /// <exception cref="AwsException">There are none.</exception>
    public static async Task<(string AccessKeyId, string SecretAccessKey, string? SessionToken)> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            var resolved = await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            var keys = await resolved.GetCredentialsAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            return (keys.AccessKey, keys.SecretKey, keys.UseToken ? keys.Token : null);
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken))
        {
            throw AwsFailures.Named("AWS credentials", e);
        }
    }
}
